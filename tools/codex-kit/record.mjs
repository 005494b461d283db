#!/usr/bin/env node
// Drives a real `codex app-server` through one scenario, against the mock model,
// and writes everything that crossed its stdio as JSONL:
//
//   node record.mjs scenarios/plain.json out.jsonl [--raw] [--requests file] [--stderr file]
//
// Each line is {dir, t, msg}: dir "out" = client to app-server, "in" = app-server
// to client, "proc" = start, exit or kill of the process; t = ms since the start.
// The binary is $CODEX_BIN, or `codex` of an installed @openai/codex, or of PATH.

import { spawn, execFileSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { mkdtempSync, mkdirSync, writeFileSync, readFileSync, rmSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tmpdir, hostname } from 'node:os';
import { findCodex, mockEnvironment, writeConfig } from './codex-home.mjs';
import { startMock } from './mock-responses-server.mjs';

const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

const at = (value, path) => path.split('.').reduce((v, k) => v?.[k], value);

/** True when `msg` has every value of `where` ({"params.turn.status": "completed"}). */
const matches = (msg, where = {}) => Object.entries(where).every(([path, want]) => at(msg, path) === want);

export async function record(scenario, { onLine = () => {}, stderr } = {}) {
  // Codex refuses to keep helpers under the temporary directory, so TMPDIR is set elsewhere.
  const root = realpathSync(mkdtempSync(join(process.env.RECORD_ROOT ?? tmpdir(), 'codex-rec-')));
  const dirs = { workspace: join(root, 'workspace'), home: join(root, 'codex-home'), tmp: join(root, 'tmp'), kit: import.meta.dirname };
  for (const d of ['workspace', 'home', 'tmp']) mkdirSync(dirs[d]);
  const bin = findCodex() ?? 'codex';
  const mock = await startMock(scenario.model);

  const vars = { workspace: dirs.workspace, codexHome: dirs.home, kit: dirs.kit, node: process.execPath };
  const fill = (v) => typeof v === 'string'
    ? (/^\$\{(\w+)\}$/.test(v) ? vars[v.slice(2, -1)] ?? v : v.replace(/\$\{(\w+)\}/g, (m, k) => vars[k] ?? m))
    : Array.isArray(v) ? v.map(fill)
    : v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, fill(x)])) : v;

  writeConfig(dirs.home, mock.baseUrl, { config: fill(scenario.config), provider: scenario.provider, mcpServers: fill(scenario.mcpServers) });
  for (const [name, text] of Object.entries(scenario.files ?? {})) {
    mkdirSync(dirname(join(dirs.workspace, name)), { recursive: true });
    writeFileSync(join(dirs.workspace, name), text);
  }
  for (const argv of scenario.setup ?? []) execFileSync(argv[0], argv.slice(1), { cwd: dirs.workspace, stdio: 'ignore' });

  // No absolute path, host name or port of this machine stays in a transcript.
  const scrub = (line) => line.replaceAll(dirs.workspace, '/workspace').replaceAll(dirs.home, '/codex-home')
    .replaceAll(dirs.tmp, '/tmp').replaceAll(root, '/recording').replaceAll(dirs.kit, '/kit').replaceAll(process.execPath, '/usr/bin/node')
    .replaceAll(dirname(bin), '/codex-bin').replaceAll(mock.baseUrl, 'http://127.0.0.1:1/v1')
    .replaceAll(`"serverName":"${hostname()}"`, '"serverName":"host"');

  const t0 = performance.now();
  const emit = (dir, text) => onLine(dir, Math.round((performance.now() - t0) * 10) / 10, text, scrub);

  let child, nextId = 0, exited;
  let inbox = [];          // notifications and server requests not yet awaited
  let wake = () => {};
  const responses = new Map();
  const answered = new Map(); // how often each answer rule was used

  const write = (msg) => { const line = JSON.stringify(msg); emit('out', line); child.stdin.write(line + '\n'); };

  async function answer(msg) {
    const rules = scenario.answers ?? [];
    const i = rules.findIndex((r, k) => r.method === msg.method && matches(msg, fill(r.where ?? {})) && (answered.get(k) ?? 0) < (r.times ?? Infinity));
    if (i < 0) return write({ id: msg.id, error: { code: -32601, message: `no answer scripted for ${msg.method}` } });
    answered.set(i, (answered.get(i) ?? 0) + 1);
    const rule = rules[i];
    if (rule.never) return; // leave it pending
    if (rule.delayMs) await sleep(rule.delayMs);
    write(rule.error ? { id: msg.id, error: rule.error } : { id: msg.id, result: fill(rule.result) });
  }

  function start() {
    child = spawn(bin, ['app-server', ...(scenario.args ?? [])], {
      cwd: dirs.workspace, stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: root, LANG: 'C.UTF-8', TMPDIR: dirs.tmp, RUST_LOG: process.env.RUST_LOG ?? 'error', ...mockEnvironment(dirs.home), ...fill(scenario.env ?? {}) },
    });
    emit('proc', JSON.stringify({ event: 'start' }));
    child.stderr.on('data', (d) => stderr?.(scrub(String(d))));
    child.stdin.on('error', () => {});
    exited = new Promise((ok) => child.once('exit', (code, signal) => { emit('proc', JSON.stringify({ event: 'exit', code, signal })); wake(); ok(); }));
    createInterface({ input: child.stdout, crlfDelay: Infinity }).on('line', (line) => {
      emit('in', line);
      const msg = JSON.parse(line);
      if (msg.method === undefined) responses.set(msg.id, msg);
      else {
        inbox.push(msg);
        if (msg.id !== undefined) void answer(msg);
      }
      wake();
    });
  }

  async function until(what, test, ms = scenario.timeoutMs ?? 20_000) {
    const end = Date.now() + ms;
    for (;;) {
      const hit = test();
      if (hit !== undefined) return hit;
      if (Date.now() > end) throw new Error(`timed out waiting for ${what}`);
      await new Promise((r) => { wake = r; setTimeout(r, 50); });
    }
  }
  const awaitResponse = async (id, step) => {
    const msg = await until(`the response to ${step.request}`, () => responses.get(id), step.timeoutMs);
    if (Boolean(msg.error) !== Boolean(step.expectError)) throw new Error(`${step.request}: ${JSON.stringify(msg.error ?? msg.result).slice(0, 500)}`);
    for (const [name, path] of Object.entries(step.save ?? {})) vars[name] = at(msg, path);
  };
  const pending = new Map(); // responses of requests sent with `noWait`

  async function run(step) {
    if (step.request) {
      const id = step.id ?? ++nextId;
      const params = fill(step.params);
      write({ method: step.request, id, ...(params === undefined ? {} : { params }) });
      if (step.noWait) pending.set(step.as ?? step.request, [id, step]);
      else await awaitResponse(id, step);
    } else if (step.awaitResponse) await awaitResponse(...pending.get(step.awaitResponse));
    else if (step.notify) write({ method: step.notify, ...(step.params ? { params: fill(step.params) } : {}) });
    else if (step.await) { // takes the message (and all before it, unless `keep`) out of the inbox
      const where = fill(step.where ?? {});
      let seen = 0;
      const i = await until(`${step.await} ${JSON.stringify(where)}`, () => {
        seen = 0;
        const k = inbox.findIndex((m) => m.method === step.await && matches(m, where) && ++seen >= (step.count ?? 1));
        return k < 0 ? undefined : k;
      }, step.timeoutMs);
      for (const [name, path] of Object.entries(step.save ?? {})) vars[name] = at(inbox[i], path);
      if (step.keep) inbox.splice(i, 1); else inbox = inbox.slice(i + 1);
    } else if (step.raw) { emit('out', JSON.stringify({ raw: step.raw })); child.stdin.write(step.raw + '\n'); }
    else if (step.sleep) await sleep(step.sleep);
    else if (step.restart) { // end the process (restart: "SIGKILL", or "eof" to close stdin) and start it again
      await stop(step.restart);
      inbox = []; responses.clear(); start();
      await run({ initialize: true });
    } else if (step.initialize) {
      await run({ request: 'initialize', params: { clientInfo: { name: 'codex_kit', title: 'Codex kit', version: '0.0.1' }, capabilities: { experimentalApi: true, ...(scenario.capabilities ?? {}) } } });
      await run({ notify: 'initialized' });
    } else throw new Error(`unknown step: ${JSON.stringify(step)}`);
  }
  async function stop(how) {
    if (how === 'eof') child.stdin.end();
    else { emit('proc', JSON.stringify({ event: 'kill', signal: how })); child.kill(how); }
    await Promise.race([exited, sleep(5000).then(() => child.kill('SIGKILL'))]);
    await exited;
  }

  try {
    start();
    if (scenario.initialize !== false) await run({ initialize: true });
    for (const step of scenario.steps) await run(step);
    await sleep(scenario.settleMs ?? 150); // late notifications
    await stop('eof');
    const unused = mock.unused();
    if (unused.length && !scenario.allowUnused) throw new Error(`${unused.length} scripted model replies were never requested`);
    const unmatched = mock.requests.filter((r) => !r.matched);
    if (unmatched.length && !scenario.allowUnmatched) throw new Error(`${unmatched.length} model requests had no scripted reply: ${unmatched.map((r) => r.text.slice(0, 80)).join(' | ')}`);
    return { requests: mock.requests };
  } finally {
    if (child?.exitCode === null && child.signalCode === null) { child.kill('SIGKILL'); await exited; }
    await mock.close();
    if (!process.env.RECORD_KEEP) rmSync(root, { recursive: true, force: true });
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === import.meta.filename) {
  const [input, output, ...flags] = process.argv.slice(2);
  if (!input || !output) { console.error('usage: node record.mjs SCENARIO.json OUT.jsonl [--raw] [--requests FILE] [--stderr FILE]'); process.exit(2); }
  const option = (name) => flags.includes(name) ? flags[flags.indexOf(name) + 1] : undefined;
  const scenario = JSON.parse(readFileSync(input, 'utf8'));
  const raw = [];
  let err = '';
  let failure;
  let scrub = (s) => s;
  const result = await record(scenario, {
    onLine: (dir, t, line, s) => { scrub = s; raw.push([dir, t, line]); },
    stderr: (s) => { err += s; },
  }).catch((e) => { failure = e; });
  const clean = flags.includes('--raw') ? (s) => s : scrub;
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, raw.map(([dir, t, line]) => `{"dir":"${dir}","t":${t},"msg":${clean(line)}}\n`).join(''));
  if (option('--requests') && result) writeFileSync(option('--requests'), result.requests.map((r) => scrub(JSON.stringify(r.body)) + '\n').join(''));
  if (option('--stderr')) writeFileSync(option('--stderr'), err);
  console.log(`${input}: ${raw.length} lines${failure ? `, FAILED: ${failure.message}` : ''}`);
  if (failure && err) console.error(err.slice(-2000));
  process.exit(failure ? 1 : 0);
}
