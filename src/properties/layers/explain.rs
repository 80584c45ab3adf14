//! Which layer set a value, and what it hides.

use std::fmt::Write;

use super::{Layers, show::shown};

impl Layers {
    /// The value of `key`, where it comes from and every value that it hides, for people. `None`: nobody sets it.
    pub fn explain(&self, key: &str) -> Option<String> {
        let mut stack = self.stack(key);
        let (layer, setting) = stack.next()?;
        let mut out = format!("{key}={}\n", shown(key, setting));
        // Writing to a string cannot fail.
        let _ = writeln!(out, "    set by {}, {}", layer.name, setting.origin(key));
        if let Some(template) = &setting.template {
            let _ = writeln!(out, "    written {template}");
        }
        for (layer, setting) in stack {
            let _ =
                writeln!(out, "    hides {} of {}, {}", shown(key, setting), layer.name, setting.origin(key));
        }
        Some(out)
    }
}
