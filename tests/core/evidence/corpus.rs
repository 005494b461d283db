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

#[test]
fn payloads() {
    replay("payload", 148, |bytes| super::json::check_payload(std::str::from_utf8(bytes).unwrap()));
}

#[test]
fn lines() {
    replay("line", 151, |bytes| super::line::check_line(std::str::from_utf8(bytes).unwrap()));
}

#[test]
fn redactions() {
    replay("redaction", 30, |bytes| super::hostile::check_redaction(std::str::from_utf8(bytes).unwrap()));
}

#[test]
fn commands() {
    replay("command", 30, |bytes| super::hostile::check_command(std::str::from_utf8(bytes).unwrap()));
}

#[test]
fn pages() {
    replay("page", 30, |bytes| super::hostile::check_page(std::str::from_utf8(bytes).unwrap()));
}

#[test]
fn plans() {
    replay("plan", 60, |bytes| _ = super::operations::Case::read(bytes).run());
}
