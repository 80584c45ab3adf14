//! Child processes that die with this one.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, OnceLock};
use std::thread;

struct Job {
    command: Command,
    reply: SyncSender<io::Result<Child>>,
}

/// Spawns from one thread that lives as long as this process.
///
/// The parent-death signal of Linux is sent when the *thread* that forked ends, and the threads of
/// tests and runtimes come and go. Whatever runs under [`tied`] must be started with this.
pub fn spawn(command: Command) -> io::Result<Child> {
    static NURSERY: OnceLock<Mutex<Sender<Job>>> = OnceLock::new();
    let nursery = NURSERY.get_or_init(|| {
        let (sender, jobs) = channel::<Job>();
        thread::spawn(move || {
            for mut job in jobs {
                // Nobody left to take the child: it is dropped, which leaves it running until we end.
                let _ = job.reply.send(job.command.spawn());
            }
        });
        Mutex::new(sender)
    });
    let (reply, answer) = sync_channel(1);
    let gone = |_| io::Error::other("the spawning thread is gone");
    nursery
        .lock()
        .map_err(|_| io::Error::other("the spawning thread's queue is poisoned"))?
        .send(Job { command, reply })
        .map_err(|_| io::Error::other("the spawning thread is gone"))?;
    answer.recv().map_err(gone)?
}

/// The words to put before a program so that the kernel kills it when this process ends, even by
/// SIGKILL. They exec: the pid is the program's own. Start it with [`spawn`].
///
/// The shell looks whether we ended before the signal was armed: then it would never come.
pub fn tied() -> [String; 7] {
    let look = r#"[ "$PPID" = "$0" ] && exec "$@""#;
    let own = std::process::id().to_string();
    ["setpriv", "--pdeathsig", "KILL", "sh", "-c", look, &own].map(str::to_owned)
}
