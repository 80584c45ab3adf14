//! Which values Kafka refuses to start with, each by itself: `ConfigDef.parseType`, and the validator of the setting.

use super::{Kind, Setting, Shape, Validator};

/// Why Kafka refuses a value, and which it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What it is not, such as "no whole number".
    pub text: String,
    /// What it may be.
    pub remedy: String,
}

impl Setting {
    /// Why Kafka refuses this value. A class is not looked for, and what Kafka's own code decides is not judged.
    ///
    /// # Errors
    /// The type, the range or the choice that it is out of.
    pub fn check(&self, value: &str) -> Result<(), Fault> {
        let value = value.trim_matches(|c: char| c <= ' ');
        let number = match self.kind {
            Kind::Boolean if !["true", "false"].iter().any(|word| value.eq_ignore_ascii_case(word)) => {
                return refused("it is neither true nor false", "true or false");
            }
            Kind::Short => Some(whole(value, i16::MIN.into(), i16::MAX.into())?),
            Kind::Int => Some(whole(value, i32::MIN.into(), i32::MAX.into())?),
            Kind::Long => Some(whole(value, i64::MIN, i64::MAX)?),
            Kind::Double => Some(double(value)?),
            _ => None,
        };
        match &self.validator {
            Validator::Range(min, max) => in_range(number, *min, *max),
            Validator::OneOf(all, any_case) => {
                let is = |one: &&str| *one == value || (*any_case && one.eq_ignore_ascii_case(value));
                if all.iter().any(is) { Ok(()) } else { refused("it is none of the choices", one_of(all)) }
            }
            Validator::ListOf(all, shape) => list(value, all, *shape),
            Validator::NotEmpty if value.is_empty() => refused("it is empty", "some text"),
            _ => Ok(()),
        }
    }
}

fn refused(text: impl Into<String>, remedy: impl Into<String>) -> Result<(), Fault> {
    Err(Fault { text: text.into(), remedy: remedy.into() })
}

fn one_of(all: &[&str]) -> String {
    format!("one of: {}", all.join(", "))
}

/// `Long.parseLong` and its like: a sign and digits, and nothing else. As a `f64`, which is exact for every bound.
#[allow(clippy::cast_precision_loss, reason = "bounds are small")]
fn whole(value: &str, min: i64, max: i64) -> Result<f64, Fault> {
    let digits = value.strip_prefix(['+', '-']).unwrap_or(value);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse::<i64>() {
        Ok(number) if is_number && (min..=max).contains(&number) => Ok(number as f64),
        _ if is_number => {
            Err(Fault { text: "it is too large".to_owned(), remedy: format!("from {min} to {max}") })
        }
        _ => Err(Fault {
            text: "it is no whole number".to_owned(),
            remedy: "digits alone, without a unit".to_owned(),
        }),
    }
}

/// `Double.parseDouble`, but for numbers in hexadecimal.
fn double(value: &str) -> Result<f64, Fault> {
    let fault = || Fault { text: "it is no number".to_owned(), remedy: "a number, as in 0.5".to_owned() };
    let unsigned = value.strip_prefix(['+', '-']).unwrap_or(value);
    let sign = if value.starts_with('-') { -1.0 } else { 1.0 };
    match unsigned {
        "NaN" => return Ok(f64::NAN),
        "Infinity" => return Ok(sign * f64::INFINITY),
        _ => {}
    }
    let digits = unsigned.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(unsigned);
    let plain = |byte: u8| byte.is_ascii_digit() || b".eE+-".contains(&byte);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !digits.bytes().all(plain) {
        return Err(fault());
    }
    digits.parse::<f64>().map(|number| sign * number).map_err(|_| fault())
}

/// `ConfigDef.Range`: what is not a number is in no range, and is not out of one.
fn in_range(number: Option<f64>, min: Option<f64>, max: Option<f64>) -> Result<(), Fault> {
    let Some(number) = number else { return Ok(()) };
    let (low, high) = (min.is_some_and(|min| number < min), max.is_some_and(|max| number > max));
    if !low && !high {
        return Ok(());
    }
    let remedy = match (min, max) {
        (Some(min), Some(max)) => format!("from {min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => String::new(),
    };
    refused(if low { "it is too small" } else { "it is too large" }, remedy)
}

/// `ConfigDef.ValidList`. What is there twice is taken out before it looks (`ConfigDef.parseValue`, KIP-1161).
fn list(value: &str, all: &[&str], shape: Shape) -> Result<(), Fault> {
    if value.is_empty() {
        let may_be = shape != Shape::DistinctNotEmpty;
        return if may_be { Ok(()) } else { refused("it is empty", "at least one, between commas") };
    }
    let items: Vec<&str> = value.split(',').map(|item| item.trim_matches(|c: char| c <= ' ')).collect();
    if let Some(other) = items.iter().find(|item| !all.is_empty() && !all.contains(item)) {
        return refused(format!("{other:?} is none of the choices"), one_of(all));
    }
    if shape == Shape::Any {
        return Ok(());
    }
    if items.contains(&"") {
        refused("there is nothing between two commas", "take one of the commas out")
    } else {
        Ok(())
    }
}
