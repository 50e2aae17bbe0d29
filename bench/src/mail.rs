//! A mail server that takes everything and keeps nothing, so that what Roster sends is really sent.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
};

/// Listens, as long as the program runs.
pub async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take(stream));
        }
    });
    address
}

async fn take(stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufStream::new(stream);
    let mut line = String::new();
    let mut answer = "220 bench\r\n";
    let mut in_text = false;
    loop {
        if !in_text {
            stream.write_all(answer.as_bytes()).await?;
            stream.flush().await?;
        }
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        if in_text {
            in_text = line != ".\r\n";
            answer = "250 taken\r\n";
            continue;
        }
        let command = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        in_text = command == "DATA";
        answer = match command.as_str() {
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                stream.flush().await?;
                continue;
            }
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
    }
}
