//! Values that differ from broker to broker: `{{ ordinal }}`, `{{ env.REGION }}`, `{{ file("/etc/keys/password") }}`.
//!
//! Jinja's expressions and `for`/`if`, and nothing that a setting does not need: no `set`, macros, includes. A name that is
//! not known is a mistake, never an empty string. What Kafka's own config providers resolve, `${...}`, is not looked at.

mod environment;
mod lists;
mod names;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use minijinja::{Error, ErrorKind, Value};

pub use environment::FILTERS;

/// The longest template, in bytes.
const MAX_TEMPLATE: usize = 4 << 10;
/// The longest value that one may come to, in bytes.
const MAX_VALUE: usize = 64 << 10;
/// What one may take: steps, and bytes that it makes on the way.
const FUEL: u64 = 200_000;

/// Reads a file for `file("...")`; an error is one sentence.
pub type ReadFile = Arc<dyn Fn(&str) -> Result<String, Unread> + Send + Sync>;
/// The pattern of an address, filled in for the broker of this ordinal and id.
pub type Expand = Arc<dyn Fn(&str, i32, Option<i32>) -> Result<String, String> + Send + Sync>;

/// A file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// What stands in the way, with the path.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// Everything that a template may see.
#[derive(Clone)]
pub struct Scope {
    /// Words such as `id` and `zone`, and their values, where they are known.
    pub words: BTreeMap<&'static str, Word>,
    /// The environment variables that are allowed, and their values, where they are set.
    pub env: BTreeMap<String, Option<String>>,
    /// `resources.NAME`, as `words`.
    pub resources: BTreeMap<&'static str, Word>,
    /// Reads a secret.
    pub read: ReadFile,
    /// Fills in the address of another node.
    pub expand: Expand,
}

/// A value that a template may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// `None`: it is not known here.
    pub value: Option<Known>,
    /// How it becomes known.
    pub remedy: String,
}

/// A known value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Text.
    Text(String),
    /// A number.
    Number(u64),
}

impl Known {
    fn value(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Number(number) => Value::from(*number),
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values of the environment may be secrets.
        f.debug_struct("Scope").field("words", &self.words).finish_non_exhaustive()
    }
}

/// What a template came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The value.
    pub value: String,
    /// A file stands in it: it is never shown.
    pub secret: bool,
}

/// Why a template comes to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, in one sentence.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// Whether a value is a template at all.
pub fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// The value of a template.
///
/// # Errors
/// Every name that is not known; or the first thing that cannot be done.
pub fn render(text: &str, scope: &Scope) -> Result<Rendered, Vec<Fault>> {
    if text.len() > MAX_TEMPLATE {
        let what = format!("the template is longer than {MAX_TEMPLATE} bytes");
        return Err(vec![Fault {
            what,
            remedy: "shorten it; a long list of constants needs none".to_owned(),
        }]);
    }
    let secret = Arc::new(AtomicBool::new(false));
    let unread = environment::Unreads::default();
    let environment = environment::of(scope, &secret, &unread);
    let template = environment.template_from_str(text).map_err(|error| vec![fault(&error, false)])?;
    let used = template.undeclared_variables(true);
    let faults = names::check(&used, scope);
    if !faults.is_empty() {
        return Err(faults);
    }
    if names::assigns(text) {
        let what = "set stands in it".to_owned();
        return Err(vec![Fault { what, remedy: "write the value where it is needed".to_owned() }]);
    }
    let mut out = Capped(Vec::new());
    let outcome = template.render_captured_to((), &mut out).map(|_| ());
    let secret = secret.load(Ordering::Relaxed);
    match outcome {
        Ok(()) => Ok(Rendered { value: String::from_utf8_lossy(&out.0).into_owned(), secret }),
        Err(error) => {
            Err(failed(&error, secret, environment::taken(&unread), || names::unknown(&used, scope)))
        }
    }
}

/// Why it could not be filled in, by what is most telling.
fn failed(
    error: &Error,
    secret: bool,
    unread: Option<Unread>,
    unknown: impl FnOnce() -> Vec<Fault>,
) -> Vec<Fault> {
    if let Some(Unread { what, remedy }) = unread {
        return vec![Fault { what, remedy }];
    }
    let unknown = if error.kind() == ErrorKind::UndefinedError { unknown() } else { Vec::new() };
    if unknown.is_empty() { vec![fault(error, secret)] } else { unknown }
}

/// The words of the engine, but for a value that may be a secret.
fn fault(error: &Error, secret: bool) -> Fault {
    let detail = error.detail().filter(|_| !secret);
    let what =
        detail.map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    let remedy = match error.kind() {
        ErrorKind::SyntaxError => {
            "mend the template; braces that are meant are written {{ \"{{\" }}".to_owned()
        }
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownMethod => {
            format!("filters are {}", FILTERS.join(", "))
        }
        ErrorKind::OutOfFuel | ErrorKind::WriteFailure => "let it come to a value of a usual size".to_owned(),
        _ => "correct the template".to_owned(),
    };
    Fault { what: format!("the template cannot be filled in: {what}"), remedy }
}

/// Takes no more than a value may hold.
struct Capped(Vec<u8>);

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_VALUE {
            return Err(std::io::Error::other(format!("it comes to more than {MAX_VALUE} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
