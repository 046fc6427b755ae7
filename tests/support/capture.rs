//! What goes over a connection, byte for byte.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that keeps every request as it came, and answers it. `/moved` redirects with the method kept.
pub(crate) struct Capture {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
}

const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-5-mini","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}"#;

impl Capture {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::default();
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer(connection, Arc::clone(&kept)));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests that have come since the last time, each as text where it is text.
    pub(crate) fn take(&self) -> Vec<String> {
        let requests = std::mem::take(&mut *self.requests.lock().unwrap());
        requests.iter().map(|bytes| bytes.escape_ascii().to_string().replace("\\r\\n", "\r\n")).collect()
    }
}

async fn answer(mut connection: TcpStream, kept: Arc<Mutex<Vec<Vec<u8>>>>) {
    let mut bytes = Vec::new();
    loop {
        if let Some(length) = length_of_request(&bytes) {
            let request: Vec<u8> = bytes.drain(..length).collect();
            let head = String::from_utf8_lossy(&request).into_owned();
            // A retry of the client's own is a request like any other.
            kept.lock().unwrap().push(request);
            let answer = match head.split(' ').nth(1) {
                Some("/moved") => "HTTP/1.1 307 Temporary Redirect\r\nlocation: /v1/chat/completions\r\ncontent-length: 0\r\n\r\n".to_owned(),
                _ if head.starts_with("HEAD ") => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n".to_owned(),
                _ => format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ANSWER}",
                    ANSWER.len()
                ),
            };
            connection.write_all(answer.as_bytes()).await.unwrap();
            continue;
        }
        match connection.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// The length of the first request in `bytes`, when it is whole.
fn length_of_request(bytes: &[u8]) -> Option<usize> {
    let find = |from: usize, end: &[u8]| {
        let rest = bytes.get(from..)?;
        rest.windows(end.len()).position(|window| window == end).map(|at| from + at + end.len())
    };
    let body = find(0, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..body]).to_ascii_lowercase();
    let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name).map(str::trim));
    if value("transfer-encoding:").is_some() {
        // The last chunk, and trailers if there are any.
        let last =
            if bytes.get(body..body + 3) == Some(b"0\r\n") { body + 3 } else { find(body, b"\r\n0\r\n")? };
        return if bytes.get(last..last + 2) == Some(b"\r\n") {
            Some(last + 2)
        } else {
            find(last, b"\r\n\r\n")
        };
    }
    let length = value("content-length:").map_or(0, |length| length.parse().unwrap());
    (bytes.len() >= body + length).then_some(body + length)
}

/// Stands before a server of HTTP/2, and keeps what its client sends.
pub(crate) struct Tap {
    pub(crate) address: SocketAddr,
    /// What each connection has sent.
    sent: Sent,
}

type Sent = Arc<Mutex<Vec<Arc<Mutex<Vec<u8>>>>>>;

impl Tap {
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Sent::default();
        let all = Arc::clone(&sent);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server).await.unwrap();
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let kept: Arc<Mutex<Vec<u8>>> = Arc::default();
                all.lock().unwrap().push(Arc::clone(&kept));
                tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
                tokio::spawn(async move {
                    let mut buffer = vec![0; 1 << 16];
                    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
                        kept.lock().unwrap().extend(&buffer[..length]);
                        if to_server.write_all(&buffer[..length]).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { address, sent }
    }

    /// What the one connection since the last time has sent: the frames that carry heads and bodies, each with its type, its flags
    /// and its payload. Those that keep the connection going come when they come.
    pub(crate) fn take(&self) -> Vec<(u8, u8, Vec<u8>)> {
        const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        let connections = std::mem::take(&mut *self.sent.lock().unwrap());
        assert_eq!(connections.len(), 1);
        let sent = connections[0].lock().unwrap().clone();
        let mut rest = sent.strip_prefix(PREFACE).expect("a connection of HTTP/2");
        let mut frames = Vec::new();
        while let [a, b, c, kind, flags, _, _, _, _, after @ ..] = rest {
            let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
            let Some((payload, next)) = after.split_at_checked(length) else { break };
            if matches!(kind, 0 | 1 | 9) {
                frames.push((*kind, *flags, payload.to_vec()));
            }
            rest = next;
        }
        frames
    }
}

/// Sends `request` as it stands, and reads what comes until the server closes. The date is not compared.
pub(crate) async fn raw(server: SocketAddr, request: &[u8]) -> String {
    let mut connection = TcpStream::connect(server).await.unwrap();
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    let answer = answer.escape_ascii().to_string().replace("\\r\\n", "\r\n");
    answer
        .lines()
        .filter(|line| !line.to_ascii_lowercase().starts_with("date:"))
        .collect::<Vec<_>>()
        .join("\n")
}
