//! Makes what the bed is made of, and the images: all that needs a way to the Internet, or time. With the argument
//! `kubectl` that alone; its directory is told on standard output, for the PATH.

use std::io::{self, Write};

use kube_bed::{parts, places};

fn main() -> anyhow::Result<()> {
    if std::env::args().nth(1).as_deref() == Some("kubectl") {
        parts::kubectl()?;
        return Ok(writeln!(io::stdout(), "{}", places::cache().display())?);
    }
    parts::make()?;
    eprintln!("Kubernetes {} is in {}", places::KUBERNETES, places::cache().display());
    Ok(())
}
