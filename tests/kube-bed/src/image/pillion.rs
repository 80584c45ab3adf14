//! Our own image, as our Dockerfile says.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::archive::{self, digest};
use super::dockerfile::{Copy, last_stage};
use super::layer::{Layer, PROGRAM};
use crate::places;

/// Its name.
pub fn tag() -> String {
    format!("pillion:{}", env!("CARGO_PKG_VERSION"))
}

/// Its archive, made when it is not there.
pub(super) fn make(dir: &Path) -> Result<PathBuf> {
    let file = places::workspace().join("Dockerfile");
    let text = fs::read_to_string(&file).with_context(|| format!("failed to read {}", file.display()))?;
    let stage = last_stage(&text)?;
    let (mut layer, mut parts) = (Layer::default(), vec![digest(text.as_bytes())]);
    for copy in &stage.copies {
        let from = artefact(copy)?;
        let content = fs::read(&from)
            .with_context(|| format!("failed to read {}: build it with `make dist`", from.display()))?;
        parts.push(digest(&content));
        layer.file(&copy.to, PROGRAM, &content)?;
    }
    let path = dir.join(format!("pillion-{}.tar", &digest(parts.join("\n").as_bytes())[..16]));
    if !path.exists() {
        archive::write(&path, &tag(), &stage.config, layer)?;
    }
    Ok(path)
}

/// What the build stage leaves is what `make dist` builds in the same way.
fn artefact(copy: &Copy) -> Result<PathBuf> {
    if (copy.stage.as_str(), copy.from.as_str()) != ("build", "/pillion") {
        bail!(
            "the Dockerfile copies {} from stage {}: the bed knows only /pillion from build",
            copy.from,
            copy.stage
        );
    }
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    Ok(places::workspace().join("target").join(target).join("release/pillion"))
}
