//! The live view: one line a broker, redrawn in place on a terminal, printed on change elsewhere.

use std::{
    io::{IsTerminal, Write, stdout},
    sync::Mutex,
    time::Instant,
};

use bed::{Fleet, Truth};

/// Draws.
pub struct View {
    terminal: bool,
    began: Instant,
    drawn: Mutex<Drawn>,
}

#[derive(Default)]
struct Drawn {
    lines: usize,
    last: Vec<String>,
}

impl View {
    pub fn new() -> Self {
        Self { terminal: stdout().is_terminal(), began: Instant::now(), drawn: Mutex::default() }
    }

    /// Begins a chapter.
    pub fn title(&self, title: &str) {
        self.end();
        println!("\n[{:>3.0} s] {title}", self.began.elapsed().as_secs_f64());
    }

    /// Leaves what was drawn where it is.
    pub fn end(&self) {
        *self.drawn() = Drawn::default();
    }

    /// Draws the present.
    pub fn show(&self, fleet: &Fleet) {
        let lines: Vec<String> = fleet.ids().into_iter().map(|id| line(fleet, id)).collect();
        let mut drawn = self.drawn();
        let mut out = stdout().lock();
        if self.terminal {
            if drawn.lines > 0 {
                let _ = write!(out, "\x1b[{}A", drawn.lines);
            }
            for line in &lines {
                let _ = writeln!(out, "\x1b[2K{line}");
            }
            drawn.lines = lines.len();
        } else {
            for (index, line) in lines.iter().enumerate() {
                if drawn.last.get(index) != Some(line) {
                    let _ = writeln!(out, "[{:>5.1} s]{line}", self.began.elapsed().as_secs_f64());
                }
            }
        }
        drawn.last = lines;
        let _ = out.flush();
    }

    fn drawn(&self) -> std::sync::MutexGuard<'_, Drawn> {
        self.drawn.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn line(fleet: &Fleet, id: i32) -> String {
    let since = Instant::now().checked_sub(std::time::Duration::from_secs(2)).unwrap_or_else(Instant::now);
    let tcp = fleet.tcp_since(id, since).last().is_some_and(|(_, open)| *open);
    let truth = match fleet.truth.now(id) {
        Truth::InSync => "in sync",
        Truth::Out => "out",
        Truth::Unknowable => "unknowable",
    };
    let said = fleet.said(id);
    let ready = fleet.is_ready(id);
    let why = said.lines().next().unwrap_or_default();
    let why: String =
        if ready && !why.contains("orced") { String::new() } else { why.chars().take(70).collect() };
    let word = |yes| if yes { "READY    " } else { "not ready" };
    format!("  {id}  pillion: {}  tcp: {}  truth: {truth:<10}  {why}", word(ready), word(tcp))
}
