//! A cluster for a person: up until Ctrl-C. With arguments, runs them inside and ends with them.

use std::env;
use std::process::{Command, exit};
use std::time::Instant;

use kube_bed::{Bed, enter, places};

fn main() -> anyhow::Result<()> {
    let inside = enter()?;
    let started = Instant::now();
    let bed = Bed::up(&inside)?;
    eprintln!("three nodes are ready after {:.1} s", started.elapsed().as_secs_f64());
    let mut words = env::args_os().skip(1);
    if let Some(program) = words.next() {
        let status = Command::new(program).args(words).status()?;
        drop(bed);
        exit(status.code().unwrap_or(1));
    }
    let home = places::home();
    eprintln!("kubectl:  {}/kubectl get nodes", home.display());
    eprintln!("a shell:  {}/enter bash", home.display());
    eprintln!("logs:     {}/logs", home.display());
    eprintln!("end:      Ctrl-C");
    loop {
        std::thread::park();
    }
}
