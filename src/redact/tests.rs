use super::*;
use proptest::prelude::*;

/// A secret of each shape, without context: the kind, the text, and what of it may stay.
const SHAPES: [(&str, &str); 17] = [
    ("key", "sk-proj-4fTq8ZxWvYb2Lk9PnRs3Ud7a"),
    ("key", "sk-ant-api03-Zm9vYmFyMTIzNDU2Nzg5MA"),
    ("key", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
    ("key", "github_pat_11ABCDEFG0123456789_abcdef"),
    ("key", "AKIAIOSFODNN7EXAMPLE"),
    ("key", "AIzaSyD4x8K1bTz0Qw3rE5tY7uI9oP1aS2dF3gH"),
    ("key", "ya29.a0AfH6SMBx7-2kQ.zZ19_qWe"),
    ("key", "xoxb-1234567890-abcdefABCDEF"),
    ("key", "SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf09kqeF8tAmbihYzrnopKc1s5cr"),
    ("key", "npm_Zx81kQ0pLm38Tr5yUvWw2AbCdEfGh4567890"),
    ("key", "cdxd_90fbc1f780b491194633b24f7c38c6d32dde490cec7c187c9032b887eb7f0fba"),
    ("key", "prod:calm-otter-123|eyJ2MiI6IjAxMjM0NTY3ODkifQ=="),
    ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"),
    (
        "jwt",
        "eyJhbGciOiJSU0EtT0FFUCJ9.OKOawDo13gRp2ojaHV7LFpZc.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzO.XFBoMYUZodetZd",
    ),
    ("bearer", "Bearer 0a1b2c3d4e5f6a7b8c9d"),
    ("authorization", "Authorization: Basic dXNlcjpwYXNzd29yZDE="),
    (
        "pem",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq98\nx1/Y+2==\n-----END RSA PRIVATE KEY-----",
    ),
];

/// What must not be left of a shape.
fn core(secret: &str) -> &str {
    secret.strip_prefix("Bearer ").or(secret.strip_prefix("Authorization: Basic ")).unwrap_or(secret)
}

fn redacted(line: &str) -> String {
    redact_message(line, None).unwrap_or_else(|| line.to_owned())
}

fn quote(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn agent_message(text: &str) -> String {
    format!(r#"{{"method":"item/completed","params":{{"threadId":"T","item":{{"text":{}}}}}}}"#, quote(text))
}

fn json(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap()
}

#[test]
fn every_shape_is_seen_in_json_and_in_plain_text() {
    for (kind, secret) in SHAPES {
        let stays = secret.strip_suffix(core(secret)).unwrap();
        let want = format!("before {stays}[redacted:{kind}] behind");
        let text = format!("before {secret} behind");
        assert_eq!(redacted(&text), want, "plain");
        let line = agent_message(&text);
        let out = redacted(&line);
        assert_eq!(json(&out)["params"]["item"]["text"], want, "JSON");
        let nested = agent_message(&agent_message(&text));
        let out = redacted(&nested);
        let inner = json(&out)["params"]["item"]["text"].as_str().unwrap().to_owned();
        assert_eq!(json(&inner)["params"]["item"]["text"], want, "JSON in JSON");
        let spelt: String = secret.chars().map(|char| format!("\\u{:04x}", u32::from(char))).collect();
        let out = redacted(&format!(r#"{{"method":"x","params":{{"t":"before {spelt} behind"}}}}"#));
        assert_eq!(json(&out)["params"]["t"], want, "by its escapes");
        let out = redacted(&format!(r#"{{"method":"x","params":{{{}:1}}}}"#, quote(&text)));
        assert_eq!(json(&out)["params"][want.as_str()], 1, "as a name");
    }
}

#[test]
fn what_stands_around_a_secret_stays() {
    let key = "sk-proj-4fTq8ZxWvYb2Lk9PnRs3Ud7a";
    for (text, want) in [
        (format!("OPENAI_API_KEY={key}\n"), "OPENAI_API_KEY=[redacted:secret]\n"),
        (format!("key:{key}, and"), "key:[redacted:key], and"),
        (format!("('{key}')"), "('[redacted:key]')"),
        (format!("/{key}/"), "/[redacted:key]/"),
        (format!("é{key}é"), "é[redacted:key]é"),
        (format!("{key}.{key}"), "[redacted:key].[redacted:key]"),
        (format!("\\n{key}\\n"), "\\n[redacted:key]\\n"),
        ("curl -H 'x-api-key: 0123456789abcdef0' u".into(), "curl -H 'x-api-key: [redacted:secret]' u"),
        ("authorization: Token 0123456789abcdef0".into(), "authorization: Token [redacted:authorization]"),
        ("Proxy-Authorization: 0123456789abcdef0".into(), "Proxy-Authorization: [redacted:authorization]"),
        (r#"{"accessToken": "0123456789abcdef0""#.into(), r#"{"accessToken": "[redacted:secret]""#),
        (
            "git clone https://me:hunter2@host/x.git".into(),
            "git clone https://me:[redacted:password]@host/x.git",
        ),
        ("GET /cb?code=4/0AX4XfWh1234567890&state=x".into(), "GET /cb?code=[redacted:oauth]&state=x"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\ncut".into(), "[redacted:pem]"),
        // As a diff has it that takes the key out of a file.
        ("------BEGIN PRIVATE KEY-----\n-MIIE\n------END PRIVATE KEY-----\n-x".into(), "-[redacted:pem]\n-x"),
        ("BEARER  0a1b2c3d4e5f6a7b8c9d;".into(), "BEARER  [redacted:bearer];"),
    ] {
        assert_eq!(redacted(&text), want);
    }
}

#[test]
fn what_a_terminal_or_an_address_puts_before_a_secret_is_no_part_of_a_word() {
    for (kind, secret) in SHAPES {
        let stays = secret.strip_suffix(core(secret)).unwrap();
        for before in [
            "\u{1b}[32m",
            "\u{1b}[0m",
            "\u{1b}[K",
            "\u{1b}[38;5;10m",
            "\u{1b}(B",
            "\\u001b[1m",
            "\\x1b[1m",
            "\\033[1m",
            "\\e[1m",
            "%20",
            "a%3D",
            "\\\\n",
            "\\\\\\n",
        ] {
            let want = format!("{before}{stays}[redacted:{kind}]\u{1b}[0m");
            let text = format!("{before}{secret}\u{1b}[0m");
            assert_eq!(redacted(&text), want);
            assert_eq!(json(&redacted(&agent_message(&text)))["params"]["item"]["text"], want);
        }
    }
    for (text, want) in [
        ("\u{1b}[36mAPI_KEY\u{1b}[0m=0123456789abcdef0", "\u{1b}[36mAPI_KEY\u{1b}[0m=[redacted:secret]"),
        ("api_key: \u{1b}[32m\"0123456789abcdef0\"", "api_key: \u{1b}[32m\"[redacted:secret]\""),
    ] {
        assert_eq!(redacted(text), want);
    }
}

#[test]
fn a_named_value_goes_whole_whatever_it_is_made_of() {
    for (text, want) in [
        ("DB_PASSWORD='S3cret!pass$word#very'", "DB_PASSWORD='[redacted:secret]'"),
        ("DB_PASSWORD=S3cret!pass$word#very x", "DB_PASSWORD=[redacted:secret] x"),
        ("DB_PASSWORD=abcdefgh12345678!tail$ecret&more", "DB_PASSWORD=[redacted:secret]"),
        ("password: 'Tr0ub4dor&3-correct!horse'", "password: '[redacted:secret]'"),
        (
            r#"{"db":{"password":"Tr0ub4dor&3-(correct)!horse"}}, x"#,
            r#"{"db":{"password":"[redacted:secret]"}}, x"#,
        ),
        (r#"{\"password\":\"Tr0ub4dor&3-correct!horse\"}"#, r#"{\"password\":\"[redacted:secret]\"}"#),
        (r#"password="abcdefgh12345678 and more""#, r#"password="[redacted:secret] and more""#),
        ("password: '$2b$10$N9qo8uLOickgx2ZMRZoMye'", "password: '[redacted:secret]'"),
        ("/?access_token=0123456789abcdef0&state=x", "/?access_token=[redacted:secret]&state=x"),
        (
            r#"{"a":"password='abcdefghijklmno1","b":"it's"}"#,
            r#"{"a":"password='[redacted:secret]","b":"it's"}"#,
        ),
        (r#"{"a":"password='abcdefghijklmno1","b":"x"}"#, r#"{"a":"password='[redacted:secret]","b":"x"}"#),
        ("password = 'abcdefghijklmno1'", "password = '[redacted:secret]'"),
        ("f(apiKey=0123456789abcdef0, x)", "f(apiKey=[redacted:secret], x)"),
        ("AccountKey=Zm9vYmFyMTIzNDU2Nzg5MA==;Endpoint=x", "AccountKey=[redacted:secret];Endpoint=x"),
        ("SharedAccessKey=Zm9vYmFyMTIzNDU2Nzg5MA==", "SharedAccessKey=[redacted:secret]"),
        ("postgres://me:p@ss1word@host/db", "postgres://me:[redacted:password]@host/db"),
        ("amqp://me:Pa#ss?1@host", "amqp://me:[redacted:password]@host"),
        ("redis://:8080@host", "redis://:[redacted:password]@host"),
    ] {
        assert_eq!(redacted(text), want);
        assert_eq!(redact_message(want, None), None, "once is enough: {want}");
        assert_eq!(json(&redacted(&agent_message(text)))["params"]["item"]["text"], want);
    }
}

#[test]
fn what_is_no_secret_stays_byte_for_byte() {
    for text in [
        "",
        "sk-short1",
        "sk-spinner-fading-circle-animation",
        "task-4fTq8ZxWvYb2Lk9PnRs3Ud7a",
        "ask-4fTq8ZxWvYb2Lk9PnRs3Ud7a",
        "bearer of bad news 12345678901234567890",
        "the bearer authenticationmechanism",
        "Authorization: required for this endpoint",
        "authorization basic realm",
        "access_token: see the documentation",
        "api_key=$OPENAI_API_KEY",
        "eyJhbGciOiJIUzI1NiJ9 is a header",
        "eyJ.eyJ.eyJ",
        "-----BEGIN CERTIFICATE-----\nMIIB1234\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMIIB1234\n-----END PUBLIC KEY-----",
        "AKIA is a prefix",
        "https://host:8080/path@x",
        "https://host/a:b@c",
        "error code=404 in call",
        "?code=404",
        "prod:calm-otter-123",
        "dev:a|b",
        "inputTokens: 12345678901234567890",
        "a \\ b \" c",
        "019a6f3e-1111-7abc-8def-0123456789ab",
        "Bearer0a1b2c3d4e5f6a7b8c9d",
        "https://host:80 and me@host",
        "https://me:hun\u{7f}ter2@host",
        "https://me:@host",
        "api_key: see 0123456789abcdef0",
        "DB_PASSWORD=$PRODUCTION_DB_PASSWORD_2",
        "password: '${process.env.PASSWORD_2}'",
        "password: \"{{.Values.password.of.2}}\"",
        "SET PASSWORD=%PRODUCTION_PASSWORD_2%",
        "password: '<the-password-of-12-letters>'",
        "password: 'at least 8 characters, and a digit'",
        "this.password=await(readPassword1(config))",
        "?password=short1&user=somebody-with-a-long-name-1",
        "http://host:8080?from=me@host",
        "http://host:8080#me@host",
        "\u{1b}[32mghp_ is a prefix, and 100% of it",
        r#"connect(password="",max_retries=3,timeout_ms=5000,name="x")"#,
        r#"{password:"",confirmPassword2:e.long.x,remember:!1,user:"abc"}"#,
        r#"grep -rn "password:" src/components/v2/login"#,
        "rg 'apiKey=' packages/core/v2/src",
        r#"PASSWORD="" ./scripts/run-tests-v2.sh"#,
        "PASSWORD= ./scripts/run-tests-v2.sh",
        "mysql --password='' --host=db1.example.com",
        r"printf 'API_KEY=\nDATABASE_URL=postgres1\n' > .env",
        "DB_PASSWORD=\"dev-$CI_PIPELINE_ID_2\"",
        "DB_PASSWORD=dev-$CI_PIPELINE_ID_2",
        "password: *default_password_1",
        "secret=*ptr_to_secret_v2;",
        "password: @user1.encrypted_password",
        "hasSecret: !!process.env.S3_SECRET_KEY,",
        "password: \"#{params.password_2_long_x}\"",
        "\"password\": \"@{variables('password2_long')}\"",
        "http://${HOST}:${PORT}?u=me@example.com",
        "http://[::1]:8080?x=me@host",
        "\u{1b}[",
        "\u{1b}[12",
    ] {
        assert_eq!(redact_message(text, None), None, "{text}");
        assert_eq!(redact_message(&agent_message(text), None), None, "{text}");
    }
    for line in [
        r#"{"id":0,"method":"x","params":{"userAuthorization":"unknown to us","apiKey":"short","accessToken":null}}"#,
        r#" { "method" : "x" , "params" : [ 1 , -2.5e3 , true , null , { } , [ ] , "" ] , "emittedAtMs" : 5 } "#,
        r#""\ud83d""#,
        r#"{"method":"x","params":{"t":"a\u0073k-4fTq8ZxWvYb2Lk9PnRs3Ud7a"}}"#,
        "5",
        "[]",
    ] {
        assert_eq!(redact_message(line, None), None, "{line}");
    }
}

#[test]
fn white_space_that_json_escapes_is_white_space() {
    let key = "sk-proj-4fTq8ZxWvYb2Lk9PnRs3Ud7a";
    for space in ["\n", "\r", "\t", "\u{8}", "\u{c}"] {
        let out = redacted(&agent_message(&format!("a{space}{key}{space}b")));
        assert_eq!(json(&out)["params"]["item"]["text"], format!("a{space}[redacted:key]{space}b"));
    }
}

#[test]
fn a_web_token_has_parts_of_eight_characters_at_least() {
    assert_eq!(redacted("eyJhbGciOiJ.eyJzdWIi.x"), "[redacted:jwt]");
    for short in ["eyJhbGciOi.eyJzdWIi.x", "eyJhbGciOiJ.eyJzdWI.x"] {
        assert_eq!(redact_message(short, None), None, "{short}");
    }
}

#[test]
fn the_label_of_a_private_key_has_forty_characters_at_most() {
    let pem = |label: usize| {
        let label = format!("{} PRIVATE KEY", "A".repeat(label - " PRIVATE KEY".len()));
        format!("-----BEGIN {label}-----\nMIIE\n-----END {label}-----")
    };
    assert_eq!(redacted(&pem(40)), "[redacted:pem]");
    for label in [41, 60] {
        assert_eq!(redact_message(&pem(label), None), None, "{label}");
    }
}

#[test]
fn a_basic_header_holds_eight_characters_at_least_that_are_no_word() {
    for pair in ["dTpwYXNz", "abcdefgh12", "abcdefg1", "dTpwYXNzd29y"] {
        let want = "Authorization: Basic [redacted:authorization]";
        assert_eq!(redacted(&format!("Authorization: Basic {pair}")), want, "{pair}");
    }
    for stays in ["Basic dTpwYXN", "Basic abcdef1", "Basic authentication", "Token dTpwYXNz"] {
        assert_eq!(redact_message(&format!("Authorization: {stays}"), None), None, "{stays}");
    }
}

#[test]
fn a_telling_member_is_not_kept_whatever_it_looks_like() {
    let of = |member: &str| redacted(&format!(r#"{{"method":"x","params":{{"a":[{{{member}}}]}}}}"#));
    for (member, want) in [
        (r#""Authorization":"something""#, r#""Authorization":"[redacted:authorization]""#),
        (r#""api_key":"something""#, r#""api_key":"[redacted:secret]""#),
        (r#""x-api-key" : "a \" quote""#, r#""x-api-key" : "[redacted:secret]""#),
        (r#""clientSecret":"something""#, r#""clientSecret":"[redacted:secret]""#),
    ] {
        assert_eq!(of(member), format!(r#"{{"method":"x","params":{{"a":[{{{want}}}]}}}}"#));
    }
}

#[test]
fn what_is_nested_as_deep_as_the_reader_goes_is_walked_through() {
    let depth = crate::limits::JSON_DEPTH_MAX - 2;
    let line = format!(
        r#"{{"method":"x","params":{{"a":{}"{}"{}}}}}"#,
        "[".repeat(depth),
        SHAPES[0].1,
        "]".repeat(depth)
    );
    assert!(redact_message(&line, None).unwrap().contains("[[\"[redacted:key]\"]]"));
}

const METHODS: &str = include_str!("../../tests/fixtures/app-server-methods.txt");
const MARK: &str = "planted";

#[test]
fn every_method_is_decided_on_purpose() {
    let mut counts = [0; 3];
    let lines = METHODS.lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let columns: Vec<&str> = line.split('\t').collect();
        let [kind, method, params, result] = columns.try_into().unwrap();
        counts[["request", "notification", "serverRequest"].iter().position(|one| *one == kind).unwrap()] +=
            1;
        let id = if kind == "notification" { "" } else { r#""id":0,"# };
        let part = |decision: &str| {
            let member = if matches!(decision, "open" | "whole" | "-") { "any" } else { decision };
            format!(r#"{{"threadId":"T","other":"{MARK}1","deep":{{"{member}":{{"x":["{MARK}2"]}}}}}}"#)
        };
        let left = |out: &str| (out.contains("planted1"), out.contains("planted2"));
        let want = |decision: &str| match decision {
            "open" => (true, true),
            "whole" => (false, false),
            _ => (true, false),
        };
        let message = format!(r#"{{{id}"method":"{method}","params":{}}}"#, part(params));
        let out = redacted(&message);
        assert_eq!(left(&out), want(params), "{method}: {out}");
        json(&out);
        if matches!(result, "-" | "verification" | "secret answers") {
            continue;
        }
        for member in ["result", "error"] {
            let answer = format!(r#"{{"id":0,"{member}":{}}}"#, part(result));
            let out = redact_message(&answer, Some(&message)).unwrap_or(answer);
            assert_eq!(left(&out), want(result), "{method}: {out}");
            json(&out);
        }
    }
    assert_eq!(counts, [187, 88, 11]);
}

#[test]
fn methods_of_other_versions_of_a_family_are_decided_with_it() {
    for method in [
        "account/brandNew",
        "userVerification/brandNew",
        "loginApiKey",
        "loginChatGptComplete",
        "getAuthStatus",
        "authStatusChange",
    ] {
        let out = redacted(&format!(r#"{{"method":"{method}","params":{{"x":"{MARK}"}}}}"#));
        assert_eq!(out, format!(r#"{{"method":"{method}","params":"[redacted:account]"}}"#));
    }
    let line = format!(r#"{{"method":"thread/brandNew","params":{{"x":"{MARK}"}}}}"#);
    assert_eq!(redact_message(&line, None), None);
    let spelt = r#"{"params":{"x":"planted"},"m\u0065thod":"account\/read"}"#;
    assert_eq!(redacted(spelt), r#"{"params":"[redacted:account]","m\u0065thod":"account\/read"}"#);
    let spelt = r#"{"method":"process/spawn","params":{"\u0065nv":{"A":"planted"},"par\"ams":1}}"#;
    assert_eq!(
        redacted(spelt),
        r#"{"method":"process/spawn","params":{"\u0065nv":"[redacted:env]","par\"ams":1}}"#
    );
}

#[test]
fn an_answer_to_what_is_not_known_is_not_kept() {
    for request in [None, Some("{"), Some("{}"), Some(r#"{"method":5}"#)] {
        for member in ["result", "error"] {
            let line = format!(r#"{{"id":7,"{member}":{{"x":"{MARK}"}}}}"#);
            let out = redact_message(&line, request).unwrap();
            assert_eq!(out, format!(r#"{{"id":7,"{member}":"[redacted:unknown]"}}"#));
        }
    }
    assert_eq!(redact_message(r#"{"id":7,"result":{}}"#, None), None, "which says nothing");
    let named = Some(r#"{"method":"thread/list"}"#);
    assert_eq!(redact_message(r#"{"id":7,"result":{"x":"planted"}}"#, named), None);
}

#[test]
fn of_secret_questions_it_is_kept_that_they_were_answered() {
    let question = |id: &str, secret: &str| format!(r#"{{"id":"{id}","question":"?"{secret}}}"#);
    let request = format!(
        r#"{{"method":"item/tool/requestUserInput","id":3,"params":{{"questions":[{},{},{}]}}}}"#,
        question("open", r#","isSecret":false"#),
        question("pass", r#","isSecret":true"#),
        question("unsaid", ""),
    );
    let answer = r#"{"id":3,"result":{"answers":{"open":{"answers":["blue"]},"pass":{"answers":["hunter2"]},"unsaid":{"answers":["x"]}}}}"#;
    let want = r#"{"id":3,"result":{"answers":{"open":{"answers":["blue"]},"pass":"[redacted:answer]","unsaid":"[redacted:answer]"}}}"#;
    assert_eq!(redact_message(answer, Some(&request)).unwrap(), want);
    let bare = r#"{"method":"item/tool/requestUserInput"}"#;
    assert_eq!(redact_message(answer, Some(bare)).unwrap(), r#"{"id":3,"result":"[redacted:answer]"}"#);
    let open = format!(
        r#"{{"method":"item/tool/requestUserInput","params":{{"questions":[{}]}}}}"#,
        question("open", r#","isSecret":false"#)
    );
    let plain = r#"{"id":3,"result":{"answers":{"open":{"answers":["blue"]}}}}"#;
    assert_eq!(redact_message(plain, Some(&open)), None);
}

#[test]
fn a_verification_is_not_kept_and_a_form_is() {
    let request = |mode: &str| {
        format!(r#"{{"method":"mcpServer/elicitation/request","id":3,"params":{{"mode":"{mode}"}}}}"#)
    };
    let answer = r#"{"id":3,"result":{"action":"accept","content":{"proof":"planted"}}}"#;
    assert_eq!(redact_message(answer, Some(&request("form"))), None);
    let want = Some(r#"{"id":3,"result":"[redacted:verification]"}"#.to_owned());
    assert_eq!(redact_message(answer, Some(&request("openai/userVerification"))), want);
    assert_eq!(redact_message(answer, Some(r#"{"method":"mcpServer/elicitation/request"}"#)), want);
}

#[test]
fn of_recorded_lines_only_what_is_denied_by_name_changes() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/transcripts");
    let (mut lines, mut changed) = (0, Vec::new());
    for file in std::fs::read_dir(folder).unwrap() {
        for entry in std::fs::read_to_string(file.unwrap().path()).unwrap().lines() {
            let Some(at) = entry.find(r#""msg":"#) else { continue };
            let line = entry[at + 6..].strip_suffix('}').unwrap();
            lines += 1;
            let request = Some(r#"{"method":"thread/read"}"#);
            if redact_message(line, request).is_some() {
                let method = json(line)["method"].as_str().unwrap_or("").to_owned();
                changed.push(method);
            }
        }
    }
    changed.sort();
    changed.dedup();
    assert!(lines > 1_000, "{lines}");
    let denied = [
        "account/login/completed",
        "account/login/start",
        "account/rateLimits/updated",
        "account/read",
        "account/updated",
        "command/exec/outputDelta",
        "command/exec/write",
        "config/value/write",
    ];
    assert_eq!(changed, denied);
}

/// Text of a transcript, without a secret.
fn plain_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z ]{0,8}",
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("\n".to_owned()),
        Just("\u{1}é😀".to_owned()),
        Just("sk-".to_owned()),
        Just("Bearer ".to_owned()),
        Just("-----BEGIN ".to_owned()),
        Just("eyJ".to_owned()),
        Just("https://".to_owned()),
        Just("api_key=".to_owned()),
        Just("authorization: ".to_owned()),
        Just("?code=".to_owned()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn tree() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i32>().prop_map(serde_json::Value::from),
        plain_text().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::vec((plain_text(), inner), 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn json_stays_json_and_a_planted_secret_goes(
        params in tree(),
        which in 0_usize..SHAPES.len(),
        before in plain_text(),
        method in prop_oneof![Just("x"), Just("account/read"), Just("command/exec"), Just("thread/start")],
    ) {
        let secret = SHAPES[which].1;
        let text = format!("{before} {secret} ");
        let message = serde_json::json!({ "method": method, "params": { "tree": params, "env": text, "text": text } });
        for line in [message.to_string(), serde_json::to_string_pretty(&message).unwrap()] {
            let out = redacted(&line);
            let read: serde_json::Value = serde_json::from_str(&out).unwrap();
            prop_assert_eq!(&read["method"], method);
            let spelt = quote(core(secret));
            prop_assert!(!out.contains(spelt.trim_matches('"')), "{}", out);
            prop_assert_eq!(redact_message(&out, None), None, "once is enough");
        }
        let out = redacted(&text);
        prop_assert!(!out.contains(core(secret)), "{}", out);
    }

    #[test]
    fn without_secrets_every_byte_stays(params in tree(), text in plain_text()) {
        // What the pieces can make of themselves has no digit, and so no secret's shape; nor a password's.
        prop_assume!(!params.to_string().contains("@") && !text.contains("@"));
        let has_private = |text: &str| text.contains("PRIVATE");
        prop_assume!(!has_private(&text));
        let line = serde_json::json!({ "method": "x", "params": params }).to_string();
        prop_assert_eq!(redact_message(&line, None), None);
        prop_assert_eq!(redact_message(&text, None), None);
    }

    #[test]
    fn whatever_comes_in_nothing_breaks(line in "\\PC{0,200}", noise in "[{}\\[\\]\",:\\\\uskeyJ.\\- 0-9A]{0,200}") {
        for text in [line, noise] {
            let out = redacted(&text);
            if let Ok(read) = serde_json::from_str::<serde_json::Value>(&text) {
                let again: serde_json::Value = serde_json::from_str(&out).unwrap();
                prop_assert_eq!(read.is_object(), again.is_object());
            }
        }
    }
}

/// How often a character is read, for a line of `count` pieces.
fn steps(piece: &str, count: usize) -> u64 {
    let text = piece.repeat(count);
    pattern::count_steps(&text)
}

#[test]
fn the_cost_is_linear_in_the_line() {
    for piece in [
        "a",
        "sk-",
        "sk-.",
        "SG.",
        "ya29.",
        "eyJ",
        "eyJaaaaaaaa.",
        "eyJ.",
        "bearer ",
        "bearer a.",
        "prod:",
        "prod:a|",
        "api_key=",
        "api_key:a",
        "authorization: ",
        "authorization:basic ",
        "://",
        "://a",
        "://a:",
        "?code=",
        "?code=a",
        "-",
        "-----BEGIN ",
        "-----BEGIN A-----",
        "-----BEGIN PRIVATE KEY-----",
        "-----END ",
        "apikey: \"",
        ":",
        "= ",
        "AKIA",
        "1//0",
        "\\",
        "\\n",
        "\\u001b",
        "\u{1b}[",
        "\u{1b}[0",
        "\u{1b}[m",
        "api_key:\u{1b}[m",
        "%",
        "%2",
        "password='",
        "password='a",
        "password=$",
        "password=a&",
        "password=0123456789abcdef&a",
        "&a",
        "://a:a@",
    ] {
        let (one, four) = (steps(piece, 2_000), steps(piece, 8_000));
        // Four times, and the look-ahead that the end cuts off.
        assert!(four <= 5 * one, "{piece}: {one} {four}");
        assert!(four <= 400 * (8_000 * piece.len()) as u64, "{piece}: {four}");
    }
}

#[test]
fn the_inside_of_a_word_costs_nothing() {
    for piece in ["a", "Z9", "sess"] {
        assert_eq!(steps(piece, 8_000), steps(piece, 2_000), "{piece}");
    }
}

#[test]
fn members_are_known_however_they_are_spelt() {
    let spelt = r#"{"method":"process/spawn","p\u0061rams":{"env":{"A":"planted"}}}"#;
    assert_eq!(redacted(spelt), r#"{"method":"process/spawn","p\u0061rams":{"env":"[redacted:env]"}}"#);
    for member in [r"r\u0065sult", r"\u0065rror"] {
        let line = format!(r#"{{"id":7,"{member}":{{"x":"{MARK}"}}}}"#);
        assert_eq!(redacted(&line), format!(r#"{{"id":7,"{member}":"[redacted:unknown]"}}"#));
    }
}

#[test]
fn what_answers_nothing_is_no_answer() {
    for line in [r#"{"result":{"x":"y"}}"#, r#"{"error":{"x":"y"}}"#] {
        assert_eq!(redact_message(line, None), None, "{line}");
    }
}

#[test]
fn what_a_named_member_holds_is_passed_over_whatever_it_is() {
    let spawn = |env: &str| format!(r#"{{"method":"process/spawn","params":{{"env":{env},"cwd":"/c"}}}}"#);
    for env in ["12345", "-1.5e3 ", r#"{"A":12,"B":[3,-4 ],"C":null}"#, "[1,[2],3]", r#""text""#] {
        let end = if env.ends_with(' ') { " " } else { "" };
        let want = spawn(&format!("\"[redacted:env]\"{end}"));
        assert_eq!(redacted(&spawn(env)), want, "{env}");
    }
}
