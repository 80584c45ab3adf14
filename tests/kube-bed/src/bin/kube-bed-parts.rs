//! Makes what the bed is made of, and the images: all that needs a way to the Internet, or time.

use kube_bed::{parts, places};

fn main() -> anyhow::Result<()> {
    parts::make()?;
    eprintln!("Kubernetes {} is in {}", places::KUBERNETES, places::cache().display());
    Ok(())
}
