//! Many WebSockets that are open and say nothing.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// Opens so many, each initialised with this token, and holds them.
pub async fn open(port: u16, token: &str, count: usize) -> Vec<TcpStream> {
    let mut sockets = Vec::with_capacity(count);
    while sockets.len() < count {
        let mut opening = JoinSet::new();
        for _ in 0..200.min(count - sockets.len()) {
            opening.spawn(one(port, token.to_owned()));
        }
        sockets.extend(opening.join_all().await);
    }
    // What was needed to open them is given back.
    tokio::time::sleep(Duration::from_secs(2)).await;
    sockets
}

async fn one(port: u16, token: String) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the server");
    let upgrade = "GET /graphql HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).await.expect("an upgrade");
    read_until(&mut stream, b"\r\n\r\n").await;
    let init =
        json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } }).to_string();
    let length = u16::try_from(init.len()).expect("a short message");
    // A text, of a length in 16 bits, masked with zeros.
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(init.into_bytes());
    stream.write_all(&frame).await.expect("a message");
    read_until(&mut stream, b"connection_ack").await;
    stream
}

async fn read_until(stream: &mut TcpStream, end: &[u8]) {
    let mut read = Vec::new();
    while !read.windows(end.len()).any(|part| part == end) {
        let mut buffer = [0; 1024];
        let count = stream.read(&mut buffer).await.expect("an answer");
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&read));
        read.extend(&buffer[..count]);
    }
}
