//! Runs Kafka's own formatter where a controller must be formatted, or prints the exact command.

use std::{
    fmt,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    SERVER_PROPERTIES,
    error::{Exit, InitError},
    prepare::Prepared,
};
use crate::{
    config::{Config, InitialControllers},
    files::{TEMP_PREFIX, read_capped},
    problem::Problem,
    storage::Plan,
};

/// A JVM starts, writes a few small files and ends.
const DEADLINE: Duration = Duration::from_secs(120);
/// How much of what the tool says is told.
const SAID_BYTES: u64 = 64 << 10;

/// A command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    program: PathBuf,
    arguments: Vec<String>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.program.display())?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,=".contains(c);
        for argument in &self.arguments {
            if !argument.is_empty() && argument.chars().all(plain) {
                write!(f, " {argument}")?;
            } else {
                write!(f, " '{}'", argument.replace('\'', "'\\''"))?;
            }
        }
        Ok(())
    }
}

/// What must be said before the command can be made.
pub(super) fn check(config: &Config, plan: &Plan, static_voter: bool) -> Option<Problem> {
    let by_tool = matches!(plan, Plan::Tool { beside_others: false, .. });
    let dynamic = config.broker.mode.has_controller() && !static_voter;
    if !by_tool || !dynamic || config.storage.initial_controllers.is_some() {
        return None;
    }
    let what = "a controller of a dynamic quorum must be formatted, and how it joins is not said";
    let remedy =
        "standalone for a new quorum of one, none for a joiner, or the value of --initial-controllers";
    Some(Problem::new(config.places.of("storage.initialControllers"), what, remedy))
}

/// The command, or why it cannot be run here.
pub(super) fn command(config: &Config, prepared: &Prepared, beside_others: bool) -> Result<Line, InitError> {
    let home = &config.kafka.home;
    let script = home.join("bin/kafka-storage.sh");
    let libs = home.join("libs");
    let mut line = if !script.is_file() && libs.is_dir() {
        let arguments =
            vec!["-cp".to_owned(), format!("{}/*", libs.display()), "kafka.tools.StorageTool".to_owned()];
        Line { program: "java".into(), arguments }
    } else {
        Line { program: script.clone(), arguments: Vec::new() }
    };
    let settings = config.run_dir.join(SERVER_PROPERTIES).display().to_string();
    let mut add = |arguments: &[&str]| line.arguments.extend(arguments.iter().map(|&a| a.to_owned()));
    add(&["format", "--cluster-id", &config.cluster.id, "--config", &settings]);
    if beside_others {
        add(&["--ignore-formatted"]);
    }
    if config.broker.mode.has_controller() && !prepared.static_voter {
        match &config.storage.initial_controllers {
            Some(InitialControllers::Standalone) => add(&["--standalone"]),
            Some(InitialControllers::None) => add(&["--no-initial-controllers"]),
            Some(InitialControllers::Voters(voters)) => add(&["--initial-controllers", voters]),
            None => {}
        }
    }
    if script.is_file() || libs.is_dir() {
        return Ok(line);
    }
    let what = "this node must be formatted by kafka-storage, which is not there";
    let remedy = format!("correct kafka.home, or run: {line}");
    Err(InitError::usage(vec![Problem::new(home.display().to_string(), what, remedy)]))
}

/// Runs it to its end. It holds the lock, too: should this process be killed, no other begins beside it.
pub(super) fn run(line: &Line, run_dir: &Path, lock: &File) -> Result<(), InitError> {
    let log_path = run_dir.join(format!("{TEMP_PREFIX}kafka-storage.log"));
    let failed = |what: String| {
        let said = read_capped(&log_path, SAID_BYTES).unwrap_or_default();
        let said = String::from_utf8_lossy(&said).trim().replace('\n', "\n    ");
        let remedy = format!("see what it said, then run pillion init again:\n    {said}");
        InitError::one(Exit::Failed, Problem::new(line.to_string(), what, remedy))
    };
    let io = |what: &str, error: std::io::Error| failed(format!("failed to {what}: {error}"));
    let log = File::create(&log_path).map_err(|e| io("write its log", e))?;
    let errors = log.try_clone().map_err(|e| io("write its log", e))?;
    // The lock goes along as its standard input, from which it reads nothing.
    let held = lock.try_clone().map_err(|e| io("share the lock", e))?;
    let mut child = Command::new(&line.program)
        .args(&line.arguments)
        .stdin(Stdio::from(held))
        .stdout(log)
        .stderr(errors)
        .spawn()
        .map_err(|e| io("run it", e))?;
    let end = Instant::now() + DEADLINE;
    let status = loop {
        match child.try_wait().map_err(|e| io("wait for it", e))? {
            Some(status) => break status,
            None if Instant::now() > end => {
                let _ = child.kill().and_then(|()| child.wait());
                return Err(failed(format!("it did not end within {} s", DEADLINE.as_secs())));
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    if !status.success() {
        return Err(failed(format!("it failed: {status}")));
    }
    let _ = std::fs::remove_file(&log_path);
    Ok(())
}
