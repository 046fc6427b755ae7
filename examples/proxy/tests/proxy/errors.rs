//! What the proxy says of a command line that it cannot use.

use std::fs;
use std::path::Path;
use std::process::Command;

fn error(arguments: &[&str]) -> String {
    proxy::Options::parse(arguments).map(drop).unwrap_err().to_string()
}

#[test]
fn errors_name_the_option_and_what_is_wrong_with_it() {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for (arguments, named) in [
        (&["--listen", "localhost"][..], &["--listen localhost", "an address with a port"][..]),
        (&["--listen", "127.0.0.1:99999"], &["--listen 127.0.0.1:99999", "an address with a port"]),
        (&["--admin", "8081"], &["--admin 8081", "an address with a port"]),
        (&["--grace", "soon"], &["--grace soon", "whole seconds"]),
        (&["--idle", "-1"], &["--idle -1", "whole seconds"]),
        (&["--connections", "many"], &["--connections many", "whole number"]),
        (&["--provider", ""], &["--provider"]),
        (&["--prices", "/not/there.json"], &["--prices /not/there.json", "No such file"]),
        (&["--prices", here], &["--prices", here, "price data"]),
        (&["--upstream", "api.openai.com"], &["--upstream", "https://api.openai.com"]),
        (&["--upstream", "ftp://api.openai.com"], &["--upstream", "http:// or https://"]),
        (&["--upstream", "http://:8080"], &["--upstream", "no host"]),
        (&["--upstream", "https://"], &["--upstream"]),
        (&["--upstream", "https://host?key=secret"], &["--upstream", "query"]),
        (&["--upstream", "https://user:secret@host"], &["--upstream", "user or a password"]),
        (&["--upstream", "https://user:secret word@host"], &["--upstream", "not a URL"]),
        (&["https://user:secret@host"], &["without its option"]),
        (&["--listen", "127.0.0.1:0", "--upstream", "http://host"], &["--records DIR is missing"]),
        (&["--listen", "127.0.0.1:0", "--records", "x"], &["--upstream URL is missing"]),
        (&["--upstream", "http://host", "--records", "x"], &["--listen ADDR is missing"]),
        (&["--listen"], &["--listen"]),
        (&["--unknown"], &["--unknown"]),
    ] {
        let error = error(arguments);
        assert!(named.iter().all(|named| error.contains(named)), "{arguments:?}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn the_program_tells_what_is_wrong_on_standard_error_and_fails() {
    let ended = Command::new(env!("CARGO_BIN_EXE_proxy")).arg("--listen=localhost").output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.starts_with("proxy: --listen localhost: not an address with a port"), "{said}");
    assert_eq!((ended.status.code(), ended.stdout.len()), (Some(1), 0));
}

#[test]
fn a_port_that_is_taken_and_a_folder_that_cannot_be_made_are_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let dir = std::env::temp_dir().join(format!("tower-llm-metrics-taken-{}", std::process::id()));
    let run = |listen: &str, admin: &str, records: &Path| {
        let records = records.display().to_string();
        let arguments =
            ["--listen", listen, "--admin", admin, "--upstream", "http://localhost", "--records", &records];
        proxy::Options::parse(arguments).and_then(proxy::run).unwrap_err().to_string()
    };
    assert!(run(&taken, "127.0.0.1:0", &dir).starts_with(&format!("--listen {taken}: ")));
    assert!(run("127.0.0.1:0", &taken, &dir).starts_with(&format!("--admin {taken}: ")));
    let file = dir.join("a-file");
    fs::write(&file, "").unwrap();
    let error = run("127.0.0.1:0", "127.0.0.1:0", &file.join("below"));
    assert!(error.starts_with(&format!("--records {}: ", file.join("below").display())), "{error}");
    fs::remove_dir_all(&dir).unwrap();
}
