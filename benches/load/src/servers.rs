//! The servers that are called, each a process of its own, which ends with this one.

use crate::Result;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server, or the upstream called directly.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Server {
    /// The process whose time and memory are shown; those of the upstream are nobody's concern.
    pub(crate) fn pid(&self) -> Option<u32> {
        (self.name != "nothing").then(|| self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the upstream, each kind of proxy, and the example; records go below `records`.
pub(crate) fn start(example: &str, records: &Path) -> Result<Vec<Server>> {
    let this = std::env::current_exe()?;
    let upstream = free()?;
    let mut servers =
        vec![spawn("nothing", upstream, Command::new(&this).args(["upstream", &upstream.to_string()]))?];
    for name in ["plain", "filtered", "metered", "memory", "file"] {
        let address = free()?;
        let mut command = Command::new(&this);
        command.args([name, &address.to_string(), &upstream.to_string()]).arg(records.join(name));
        servers.push(spawn(name, address, &mut command)?);
    }
    let (address, admin) = (free()?, free()?);
    let mut command = Command::new(example);
    command
        .args(["--listen", &address.to_string(), "--admin", &admin.to_string()])
        .args(["--upstream", &format!("http://{upstream}"), "--records"])
        .arg(records.join("example"));
    servers.push(spawn("example", address, &mut command)?);
    Ok(servers)
}

/// An address of this machine that nobody listens at.
fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn spawn(name: &'static str, address: SocketAddr, command: &mut Command) -> Result<Server> {
    let child = command.stdout(Stdio::null()).spawn()?;
    let mut server = Server { name, address, child };
    while TcpStream::connect(address).is_err() {
        if let Some(status) = server.child.try_wait()? {
            return Err(format!("the server {name:?} ended before it was called: {status}").into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(server)
}
