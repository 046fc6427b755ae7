//! What the proxy does with requests that are not meant well, or not for it.

use crate::capture;
use crate::process::{Running, chat, client, next, read, serve, upstream};
use axum::Router;
use http::Request;
use http_body_util::{BodyExt, Full};
use proxy::{Connections, Proxy, Server};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tower_llm_metrics::{Outcome, Record, UserMetricsLayer};

/// An upstream that answers with the target that it was asked for.
async fn echo() -> SocketAddr {
    serve(Router::new().fallback(async |request: axum::extract::Request| request.uri().to_string())).await
}

/// The answer to a request, whose connection ends with it.
async fn ask(address: SocketAddr, first_line: &str, headers: &str) -> String {
    let request = format!("{first_line} HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
    capture::raw(address, request.as_bytes()).await
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_address_answers_to_its_own_names_only_and_its_table_is_not_kept() {
    let upstream = echo().await;
    let proxy =
        Running::start_with("admin", &format!("--upstream=http://{upstream}\n--admin-host=usage.internal"));
    let port = proxy.admin.port();
    for (hosts, expected) in [
        (vec![format!("127.0.0.1:{port}")], "200"),
        (vec![format!("localhost:{port}")], "200"),
        (vec!["LocalHost".to_owned()], "200"),
        (vec!["[::1]:8081".to_owned()], "200"),
        (vec!["usage.internal".to_owned()], "200"),
        (vec![format!("rebound.example:{port}")], "421"),
        (vec!["localhost.example".to_owned()], "421"),
        (vec!["192.0.2.1".to_owned()], "421"),
        (vec!["localhost".to_owned(), "rebound.example".to_owned()], "421"),
        (vec!["".to_owned()], "421"),
    ] {
        let headers: String = hosts.iter().map(|host| format!("host: {host}\r\n")).collect();
        let answer = ask(proxy.admin, "GET /metrics/users", &headers).await;
        assert_eq!(status(&answer), expected, "{hosts:?}: {answer}");
        if expected == "200" {
            assert!(answer.contains("\ncache-control: no-store\n"), "{answer}");
            assert!(answer.contains("\nx-content-type-options: nosniff\n"), "{answer}");
        }
    }
    let answer = ask(proxy.admin, "GET http://rebound.example/metrics/users", "host: localhost\r\n").await;
    assert_eq!(status(&answer), "421");
    // The pages stand behind the same check, and so does what is not there.
    assert_eq!(status(&ask(proxy.admin, "GET /usage", "host: rebound.example\r\n").await), "421");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_tunnelled_and_what_asks_about_the_server_is_answered_by_it() {
    let upstream = echo().await;
    let proxy = Running::start("tunnel", upstream);
    let host = "host: a\r\n";
    let tunnel = ask(proxy.traffic, "CONNECT api.openai.com:443", host).await;
    assert_eq!(status(&tunnel), "405");
    assert!(tunnel.contains("allow: GET, "), "{tunnel}");
    let options = ask(proxy.traffic, "OPTIONS *", host).await;
    assert_eq!(status(&options), "204");
    assert!(options.contains("allow: GET, "), "{options}");
    assert_eq!(status(&ask(proxy.traffic, "GET *", host).await), "400");
    assert!(ask(proxy.traffic, "OPTIONS /v1/models", host).await.ends_with("\n/v1/models"));
    // None of the others was a call.
    let (_, records) = proxy.stop().await;
    assert_eq!(records.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_leads_out_of_the_upstream_s() {
    let upstream = echo().await;
    let proxy = Running::start_with("path", &format!("--upstream=http://{upstream}/openai/"));
    for out in [
        "/../admin",
        "/v1/../../admin",
        "/v1/..",
        "/%2e%2e/admin",
        "/%2E./admin",
        "/.%2e/admin",
        "/v1%2f..%2f..%2fadmin",
        "/..%5cadmin",
        "/..;x=1/admin",
        "/..%3b/admin",
    ] {
        assert_eq!(status(&ask(proxy.traffic, &format!("GET {out}"), "host: a\r\n").await), "400", "{out}");
    }
    for below in ["/v1/models", "/v1/...", "/v1/a..b/%2e", "/v1/models?up=../..", "/%zz", "/v1/%"] {
        let answer = ask(proxy.traffic, &format!("GET {below}"), "host: a\r\n").await;
        assert!(answer.ends_with(&format!("\n/openai{below}")), "{answer}");
    }
    proxy.stop().await;
}

/// A connection that has sent half a head.
async fn half_a_head(proxy: SocketAddr) -> TcpStream {
    let mut connection = TcpStream::connect(proxy).await.unwrap();
    connection.write_all(b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nx-half").await.unwrap();
    connection
}

/// Waits until the other side has closed the connection.
async fn is_closed(mut connection: TcpStream) {
    // It may end well or be reset.
    while connection.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_sent_heads_give_way_to_calls_and_open_calls_to_nobody() {
    let (round, rounds) = watch::channel(());
    let (router, _) = upstream(&rounds);
    drop(rounds);
    let upstream = serve(router).await;
    let proxy = Running::start_with("half-heads", &format!("--upstream=http://{upstream}\n--connections=4"));
    let (tell, mut blocks) = mpsc::channel(8);
    let stream = tokio::spawn(read(client(false), proxy.traffic, "alice".to_owned(), tell.clone()));
    next(&mut blocks, 1).await;

    let mut halves = Vec::new();
    for _ in 0..40 {
        halves.push(half_a_head(proxy.traffic).await);
    }
    // Another call gets through, though ten times as many connections are held as there may be.
    let other = tokio::spawn(read(client(false), proxy.traffic, "bob".to_owned(), tell));
    next(&mut blocks, 1).await;
    // Room is left for two of them.
    for half in halves.drain(..38) {
        is_closed(half).await;
    }
    drop(round);
    assert!(stream.await.unwrap() && other.await.unwrap());
    // Half a head does not hold up the end.
    let (_, records) = proxy.stop().await;
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record.outcome == Outcome::Completed));
}

/// Time passes here whenever everybody waits.
#[tokio::test(start_paused = true)]
async fn connections_without_a_call_and_requests_that_stop_short_are_given_up_in_time() {
    const IDLE: Duration = Duration::from_secs(120);
    let (round, rounds) = watch::channel(());
    let (router, _) = upstream(&rounds);
    drop(rounds);
    let upstream = serve(router).await;
    let (keep, mut records) = mpsc::unbounded_channel();
    let layer = UserMetricsLayer::new(move |record: &Record| drop(keep.send(record.clone())));
    let router =
        Proxy::new(&layer.faces_provider(true), format!("http://{upstream}").parse().unwrap()).router(IDLE);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let server = Server::new(Connections::new(8, IDLE));
    tokio::spawn(async move { server.accept(&listener, &router).await });

    let (tell, mut blocks) = mpsc::channel(8);
    let stream = tokio::spawn(read(client(false), proxy, "alice".to_owned(), tell));
    next(&mut blocks, 1).await;
    let begun = tokio::time::Instant::now();
    is_closed(TcpStream::connect(proxy).await.unwrap()).await;
    is_closed(half_a_head(proxy).await).await;
    assert_eq!(begun.elapsed().as_secs(), 2 * IDLE.as_secs());

    let mut half_a_body = TcpStream::connect(proxy).await.unwrap();
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nx-caller: bob\r\ncontent-length: 100\r\n\r\n{";
    half_a_body.write_all(head.as_bytes()).await.unwrap();
    is_closed(half_a_body).await;
    // Its answer had begun.
    assert_eq!(records.recv().await.unwrap().outcome, Outcome::Aborted);

    // The call that is open had no bytes in the meantime either.
    drop(round);
    assert!(stream.await.unwrap());
    assert_eq!(records.recv().await.unwrap().outcome, Outcome::Completed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_or_errs_within_its_request_has_not_been_broken_by_the_upstream() {
    let upstream = serve(Router::new().fallback(async |body: String| body)).await;
    let proxy = Running::start("own-fault", upstream);
    let head = |user: &str| {
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nhelicone-user-id: {user}\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{{\"use\r\n"
        )
    };
    let mut leaves = TcpStream::connect(proxy.traffic).await.unwrap();
    leaves.write_all(head("leaves").as_bytes()).await.unwrap();
    leaves.shutdown().await.unwrap();
    is_closed(leaves).await;
    let mut errs = TcpStream::connect(proxy.traffic).await.unwrap();
    errs.write_all(format!("{}no length\r\n", head("errs")).as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = errs.read_to_string(&mut answer).await;
    assert!(answer.is_empty() || status(&answer) == "400", "{answer}");
    let (_, records) = proxy.stop().await;
    let outcomes: Vec<_> = records.iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [Outcome::Cancelled; 2], "{records:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_breaks_off_is_still_the_upstream_s_fault() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.read(&mut [0; 1024]).await;
        }
    });
    let proxy = Running::start("their-fault", upstream);
    let answer = client(false).request(chat(proxy.traffic, "alice")).await.unwrap();
    assert_eq!(answer.status(), 502);
    answer.into_body().collect().await.unwrap();
    let (_, records) = proxy.stop().await;
    assert_eq!(records[0].outcome, Outcome::Broken);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_at_the_end_is_told_with_the_number_that_is_lost() {
    use std::process::{Command, Stdio};
    let dir = std::env::temp_dir().join(format!("tower-llm-metrics-full-end-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(&dir).stderr(Stdio::null());
    if !mount.status().is_ok_and(|status| status.success()) {
        println!("skipped: this machine does not let us mount a tmpfs");
        return;
    }
    let upstream = echo().await;
    let records = dir.join("records");
    let options = format!("--upstream=http://{upstream}\n--records={}", records.display());
    let proxy = Running::start_with("full-end", &options);
    std::fs::write(dir.join("ballast"), vec![0; 128 << 10]).unwrap_err();
    for _ in 0..3 {
        let request =
            Request::get(format!("http://{}/v1/models", proxy.traffic)).body(Full::default()).unwrap();
        client(false).request(request).await.unwrap().into_body().collect().await.unwrap();
    }
    proxy.signal("TERM");
    let said = tokio::task::spawn_blocking(move || proxy.failed()).await.unwrap();
    let _ = Command::new("umount").arg(&dir).status();
    let _ = std::fs::remove_dir(&dir);
    assert!(said.contains("3 of 3 records are lost"), "{said}");
}
