//! Programs that are run to their end.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Runs a command to its end and returns what it wrote to standard output; a failure carries its own words.
pub fn output(command: &mut Command) -> Result<String> {
    let line = line(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("failed to run {line}"))?;
    if !output.status.success() {
        bail!("{line}: {}: {}", output.status, words(&output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `line`, whose words have no blanks in them.
pub fn words_of(line: &str) -> Result<String> {
    let mut words = line.split_whitespace();
    let program = words.next().context("an empty command")?;
    output(Command::new(program).args(words))
}

/// What a program said, on both ways out.
pub fn words(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    format!("{} {}", text(&output.stderr), text(&output.stdout)).trim().to_owned()
}

/// The command as a person would have written it.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Where the PATH finds a program.
pub fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// Whether a program is on the PATH.
pub fn there(program: &str) -> bool {
    which(program).is_some()
}

/// Runs a command with `input` to its end, which it must reach within `deadline`.
pub fn bounded(command: &mut Command, input: &[u8], deadline: Duration) -> Result<Output> {
    let line = line(command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("failed to run {line}"))?;
    let (mut stdin, mut stdout, mut stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let out = scope.spawn(move || drain(&mut stdout));
        let err = scope.spawn(move || drain(&mut stderr));
        // A program that does not read its input says why when it ends.
        let _ = stdin.take().map(|mut pipe| pipe.write_all(input));
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break Some(status);
            }
            if started.elapsed() > deadline {
                child.kill()?;
                child.wait()?;
                break None;
            }
            thread::sleep(Duration::from_millis(10));
        };
        let read = |pipe: thread::ScopedJoinHandle<'_, Vec<u8>>| pipe.join().unwrap_or_default();
        let (stdout, stderr) = (read(out), read(err));
        let Some(status) = status else {
            let said = String::from_utf8_lossy(&stderr).trim().to_owned();
            bail!("{line}: not done within {deadline:?}; it said: {said}");
        };
        Ok(Output { status, stdout, stderr })
    })
}

fn drain(pipe: &mut Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What came before an error is still worth telling.
    let _ = pipe.as_mut().map(|pipe| pipe.read_to_end(&mut bytes));
    bytes
}
