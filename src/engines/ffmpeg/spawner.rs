//! The thread that starts children.
//!
//! The kernel sends a child's death signal when the *thread* that started it ends, not the process. Threads of the
//! runtime come and go, so one thread of our own starts all children and lives exactly as long as the runner.

use std::io;
use std::sync::mpsc;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

struct Order {
    command: Command,
    runtime: Handle,
    answer: oneshot::Sender<io::Result<Child>>,
}

pub struct Spawner {
    // Bounded by the runner's seats: who orders holds one.
    orders: mpsc::Sender<Order>,
}

impl Spawner {
    pub fn start() -> io::Result<Spawner> {
        let (orders, inbox) = mpsc::channel::<Order>();
        std::thread::Builder::new().name("children".into()).spawn(move || {
            for mut order in inbox {
                let _inside = order.runtime.enter();
                // Who does not wait any more drops the child, and with it the child ends (`kill_on_drop`).
                let _ = order.answer.send(order.command.spawn());
            }
        })?;
        Ok(Spawner { orders })
    }

    pub async fn spawn(&self, command: Command) -> io::Result<Child> {
        let (answer, answered) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts children has ended");
        self.orders.send(Order { command, runtime: Handle::current(), answer }).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}
