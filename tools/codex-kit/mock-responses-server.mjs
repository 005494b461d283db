#!/usr/bin/env node
// A scriptable stand-in for the OpenAI Responses API (streaming, SSE).
//
//   import { startMock } from './mock-responses-server.mjs'
//   const mock = await startMock(scenario.model)   // -> { baseUrl, requests, close() }
//
// or, on its own:  node mock-responses-server.mjs scenario.json [port]
//
// `scenario.model.replies` is a list; each POST /v1/responses uses up the first
// unused reply whose `when` (a substring) occurs in the newest user message of
// the request. A reply without `when` matches any request. `"keep": true` makes
// a reply reusable. The step language is described in README.md.

import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

/** Cuts text into words, or into about `chunks` pieces (never inside a surrogate pair). */
function cut(text, { chunks: n = 1, pieces }) {
  if (pieces === 'word') return text.match(/\S+\s*/g) ?? [''];
  const chars = Array.from(text);
  const size = Math.max(1, Math.ceil(chars.length / Math.max(1, n)));
  const out = [];
  for (let i = 0; i < chars.length; i += size) out.push(chars.slice(i, i + size).join(''));
  return out.length ? out : [''];
}

/** A step's text: `text`, or `repeat: [unit, times]` with "#" replaced by the running number. */
function textOf(step, key) {
  if (typeof step[key] === 'string') return step[key];
  const [unit, times] = step[key].repeat;
  return Array.from({ length: times }, (_, i) => unit.replaceAll('#', String(i + 1))).join('');
}

/** The newest user-written text in a Responses request. Codex appends its own
 *  context as user messages too; those start with "<" or "# AGENTS.md". */
function latestUserText(body) {
  const texts = (body.input ?? [])
    .filter((i) => i.type === 'message' && i.role === 'user')
    .map((i) => (i.content ?? []).map((c) => c.text ?? '').join(''))
    .filter((t) => !t.startsWith('<') && !t.startsWith('# AGENTS.md'));
  return texts.at(-1) ?? '';
}

/** Turns one scripted reply into SSE frames on `res`. */
async function play(reply, res, ids) {
  const responseId = `resp_${ids()}`;
  let index = 0;
  let seq = 0;
  let usage = { input_tokens: 100, output_tokens: 20 };
  const send = async (type, fields) => {
    const frame = `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: seq++, ...fields })}\n\n`;
    if (res.destroyed || res.write(frame)) return;
    await new Promise((ready) => { // the socket is full: wait until it drains, or goes away
      const go = () => { res.off('drain', go); res.off('close', go); ready(); };
      res.on('drain', go).on('close', go);
    });
  };
  const item = async (added, done, body = async () => {}) => {
    const output_index = index++;
    await send('response.output_item.added', { output_index, item: added });
    await body(output_index);
    await send('response.output_item.done', { output_index, item: done });
  };
  const itemId = (step, prefix) => step.id === null ? undefined : step.id ?? `${prefix}_${ids()}`; // null: no id at all
  const open = () => {
    if (!res.headersSent) res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  };

  for (const step of reply.steps) {
    if (step.http) { // a plain HTTP error instead of a stream
      res.writeHead(step.http, { 'content-type': 'application/json', ...(step.headers ?? {}) });
      return void res.end(JSON.stringify(step.body ?? { error: { message: `mock ${step.http}`, type: 'mock_error' } }));
    }
    if (!res.headersSent) {
      open();
      await send('response.created', { response: { id: responseId, object: 'response', status: 'in_progress', output: [] } });
    }
    if (step.wait) await sleep(step.wait);
    else if (step.say) {
      const id = itemId(step, 'msg');
      const text = textOf(step, 'say');
      const msg = (status, content) => ({ type: 'message', id, role: 'assistant', status, content, ...(step.phase ? { phase: step.phase } : {}) });
      await item(msg('in_progress', []), msg('completed', [{ type: 'output_text', text, annotations: [] }]), async (output_index) => {
        const part = { item_id: id, output_index, content_index: 0 };
        await send('response.content_part.added', { ...part, part: { type: 'output_text', text: '' } });
        for (const [n, delta] of cut(text, step).entries()) {
          await send('response.output_text.delta', { ...part, delta });
          if (step.delayMs) await sleep(step.delayMs);
          if (n + 1 === step.breakAfter) { // cut the connection in the middle of this text
            await sleep(30);
            res.destroy();
          }
          if (res.destroyed) return;
        }
        await send('response.output_text.done', { ...part, text });
      });
    } else if (step.reason) {
      const id = itemId(step, 'rs');
      const summary = (step.reason.summary ?? []).map((text) => ({ type: 'summary_text', text }));
      const content = (step.reason.raw ?? []).map((text) => ({ type: 'reasoning_text', text }));
      await item({ type: 'reasoning', id, summary: [] }, { type: 'reasoning', id, summary, content, encrypted_content: null }, async (output_index) => {
        for (const [summary_index, p] of summary.entries()) {
          await send('response.reasoning_summary_part.added', { item_id: id, output_index, summary_index, part: { type: 'summary_text', text: '' } });
          for (const delta of cut(p.text, step)) {
            await send('response.reasoning_summary_text.delta', { item_id: id, output_index, summary_index, delta });
            if (step.delayMs) await sleep(step.delayMs);
          }
          await send('response.reasoning_summary_text.done', { item_id: id, output_index, summary_index, text: p.text });
        }
        for (const [content_index, p] of content.entries()) {
          for (const delta of cut(p.text, step)) await send('response.reasoning_text.delta', { item_id: id, output_index, content_index, delta });
        }
      });
    } else if (step.call) { // function tool call
      const call = { type: 'function_call', id: `fc_${ids()}`, call_id: step.callId ?? `call_${ids()}`, name: step.call, ...(step.namespace ? { namespace: step.namespace } : {}), arguments: JSON.stringify(step.args ?? {}) };
      await item({ ...call, arguments: '' }, call, (output_index) => send('response.function_call_arguments.done', { item_id: call.id, output_index, arguments: call.arguments }));
    } else if (step.custom) { // freeform tool call (apply_patch)
      const call = { type: 'custom_tool_call', id: `ctc_${ids()}`, call_id: step.callId ?? `call_${ids()}`, name: step.custom, input: step.input };
      await item({ ...call, input: '' }, call, async (output_index) => {
        for (const delta of cut(step.input, step)) await send('response.custom_tool_call_input.delta', { item_id: call.id, call_id: call.call_id, output_index, delta });
      });
    } else if (step.webSearch) { // a search run by the provider, not by Codex
      const id = `ws_${ids()}`;
      await item({ type: 'web_search_call', id, status: 'in_progress' }, { type: 'web_search_call', id, status: 'completed', action: { type: 'search', query: step.webSearch } });
    } else if (step.event) await send(step.event.type, step.event); // any other frame, verbatim
    else if (step.usage) usage = step.usage;
    else if (step.fail) {
      await send('response.failed', { response: { id: responseId, object: 'response', status: 'failed', error: step.fail } });
      return void res.end();
    } else if (step.incomplete) {
      await send('response.incomplete', { response: { id: responseId, object: 'response', status: 'incomplete', incomplete_details: { reason: step.incomplete } } });
      return void res.end();
    } else if (step.disconnect) { // cut the connection, once what was sent has arrived
      await sleep(30);
      return void res.destroy();
    } else if (step.end) return void res.end(); // clean close, no response.completed
    else if (step.hang) { // never finishes; ends when the client goes away
      await new Promise((r) => res.once('close', r));
      return;
    } else throw new Error(`unknown model step: ${JSON.stringify(step)}`);
    if (res.destroyed) return;
  }
  open();
  await send('response.completed', {
    response: {
      id: responseId, object: 'response', status: 'completed', output: [],
      usage: {
        input_tokens: usage.input_tokens, input_tokens_details: { cached_tokens: usage.cached_tokens ?? 0 },
        output_tokens: usage.output_tokens, output_tokens_details: { reasoning_tokens: usage.reasoning_tokens ?? 0 },
        total_tokens: usage.input_tokens + usage.output_tokens,
      },
    },
  });
  res.end();
}

/** Starts the mock on 127.0.0.1. `requests` collects the bodies it received. */
export async function startMock(model = {}, port = 0) {
  const replies = (model.replies ?? []).map((r) => ({ ...r, used: false }));
  const requests = [];
  let n = 0;
  const ids = () => `mock${String(++n).padStart(4, '0')}`;

  const server = createServer(async (req, res) => {
    let raw = '';
    for await (const chunk of req) raw += chunk;
    if (!(req.method === 'POST' && req.url.endsWith('/responses'))) {
      res.writeHead(404, { 'content-type': 'application/json' });
      return res.end('{"error":{"message":"not found"}}');
    }
    const body = JSON.parse(raw);
    const text = latestUserText(body);
    const reply = replies.find((r) => !r.used && (r.when === undefined || text.includes(r.when)));
    requests.push({ body, text, matched: Boolean(reply) });
    if (reply && !reply.keep) reply.used = true;
    try {
      await play(reply ?? { steps: [{ say: '(the mock has no reply left for this request)' }] }, res, ids);
    } catch (error) {
      console.error('mock:', error.message);
      res.destroy();
    }
  });
  await new Promise((ok) => server.listen(port, '127.0.0.1', ok));
  return {
    baseUrl: `http://127.0.0.1:${server.address().port}/v1`,
    requests,
    unused: () => replies.filter((r) => !r.used && !r.keep),
    close: () => new Promise((ok) => { server.close(ok); server.closeAllConnections(); }),
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const scenario = JSON.parse(readFileSync(process.argv[2], 'utf8'));
  const mock = await startMock(scenario.model ?? scenario, Number(process.argv[3] ?? 0));
  console.log(mock.baseUrl);
}
