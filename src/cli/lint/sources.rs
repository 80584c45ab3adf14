//! The files that are meant.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    files::{ReadFault, read_capped, read_stdin},
    properties,
};

const MOST: u64 = properties::MAX_BYTES as u64;

/// A name, and what stands there.
type Source = (String, Vec<u8>);

/// What can be read, and why the rest cannot, with what to do.
///
/// # Errors
/// Standard input is named twice.
pub(super) fn read(paths: &[PathBuf]) -> Result<(Vec<Source>, Vec<String>), String> {
    if paths.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err("- is there twice, and standard input can be read once; take one of them out".to_owned());
    }
    let (mut all, mut unread) = (Vec::new(), Vec::new());
    for path in paths {
        let mut take = |read: Result<Source, String>| match read {
            Ok(source) => all.push(source),
            Err(why) => unread.push(why),
        };
        if path.as_os_str() == "-" {
            take(stdin());
        } else if path.is_dir() {
            match inside(path) {
                Ok(inside) => inside.iter().for_each(|path| take(file(path))),
                Err(why) => unread.push(why),
            }
        } else {
            take(file(path));
        }
    }
    Ok((all, unread))
}

/// The `*.properties` of a directory, by name.
fn inside(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error: io::Error| {
        format!("failed to read {}: {error}; let this user read it, or correct the path", dir.display())
    };
    let entries = fs::read_dir(dir).map_err(failed)?;
    let mut all: Vec<PathBuf> =
        entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>().map_err(failed)?;
    all.retain(|path| path.extension().is_some_and(|end| end == "properties") && !path.is_dir());
    if all.is_empty() {
        let remedy = "name the file itself, or correct the path";
        return Err(format!("{} holds no file that ends with .properties; {remedy}", dir.display()));
    }
    all.sort();
    Ok(all)
}

fn stdin() -> Result<Source, String> {
    let source = read_stdin(MOST).map_err(|error| format!("{error}; give it a file, as in - < FILE"))?;
    Ok(("<stdin>".to_owned(), source))
}

fn file(path: &Path) -> Result<Source, String> {
    let source = read_capped(path, MOST).map_err(|error| match error.fault {
        ReadFault::NotRegular(_) => {
            format!(
                "{error}; what comes through a pipe is read by -, as in pillion lint - < {}",
                path.display()
            )
        }
        _ => format!("{error}; {}", error.remedy()),
    })?;
    Ok((path.display().to_string(), source))
}
