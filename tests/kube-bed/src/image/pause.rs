//! The first container of every pod: it holds the pod's namespaces and does nothing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::archive::{self, Config, digest};
use super::layer::{Layer, PROGRAM};
use crate::parts::go;
use crate::run;

/// Its name.
pub const PAUSE: &str = "localhost/pause:1";
const SOURCE: &str = include_str!("pause.go");

/// Its archive, made when it is not there.
pub(super) fn make(dir: &Path) -> Result<PathBuf> {
    let path = dir.join(format!("pause-{}.tar", &digest(SOURCE.as_bytes())[..16]));
    if path.exists() {
        return Ok(path);
    }
    let (source, program) = (dir.join("pause.go"), dir.join("pause"));
    fs::write(&source, SOURCE)?;
    let mut build = go()?;
    build.args(["build", "-trimpath", "-ldflags", "-s -w", "-o"]).arg(&program).arg(&source);
    run::output(build.env("CGO_ENABLED", "0").current_dir(dir)).context("failed to build pause")?;
    let mut layer = Layer::default();
    layer.copy("/pause", PROGRAM, &program)?;
    let config =
        Config { entrypoint: vec!["/pause".to_owned()], user: "65535:65535".to_owned(), ..Config::default() };
    archive::write(&path, PAUSE, &config, layer)?;
    Ok(path)
}
