//! The fuzz targets' corpus, replayed without the fuzzer: what it found once stays found.

use std::fs;
use std::path::Path;

/// Bytes of the whole corpus: it is read by every run of the tests, and part of every clone.
const CORPUS_BYTES_MAX: usize = 1024 * 1024;

/// The files of a target, by name.
fn files(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    assert!(files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < CORPUS_BYTES_MAX);
    files
}

fn replay(target: &str, least: usize, check: impl Fn(&[u8])) {
    let files = files(target);
    assert!(files.len() >= least, "{target} has {} files", files.len());
    for (name, bytes) in files {
        println!("fuzz/corpus/{target}/{name}");
        check(&bytes);
    }
}

fn replay_texts(target: &str, least: usize, check: fn(&str)) {
    replay(target, least, |bytes| check(std::str::from_utf8(bytes).unwrap()));
}

#[test]
fn payloads() {
    replay_texts("payload", 148, super::json::check_payload);
}

#[test]
fn lines() {
    replay_texts("line", 151, super::line::check_line);
}

#[test]
fn redactions() {
    replay_texts("redaction", 30, super::hostile::check_redaction);
}

#[test]
fn commands() {
    replay_texts("command", 30, super::hostile::check_command);
}

#[test]
fn pages() {
    replay_texts("page", 30, super::hostile::check_page);
}

#[test]
fn plans() {
    replay("plan", 60, |bytes| _ = super::operations::Case::read(bytes).run());
}
