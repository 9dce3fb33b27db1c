//! A network cable that can be pulled and put back.

use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Forwards TCP connections to a port on the loopback device, until it is cut.
pub struct CutProxy {
    port: u16,
    connected: Arc<watch::Sender<bool>>,
    accepting: JoinHandle<()>,
}

impl CutProxy {
    /// Forwards to `target`.
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connected = Arc::new(watch::Sender::new(true));
        let state = Arc::clone(&connected);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, target, state.subscribe()));
            }
        });
        Self { port, connected, accepting }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Breaks every connection; new ones are closed at once.
    pub fn cut(&self) {
        self.connected.send_replace(false);
    }

    /// Forwards again.
    pub fn mend(&self) {
        self.connected.send_replace(true);
    }
}

impl Drop for CutProxy {
    fn drop(&mut self) {
        self.cut();
        self.accepting.abort();
    }
}

/// Carries bytes both ways until one side ends or the cable is cut.
async fn forward(mut client: TcpStream, target: u16, mut connected: watch::Receiver<bool>) {
    let carry = async {
        if let Ok(mut server) = TcpStream::connect(("127.0.0.1", target)).await {
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        }
    };
    tokio::select! {
        biased;
        _ = connected.wait_for(|connected| !connected) => {}
        () = carry => {}
    }
}
