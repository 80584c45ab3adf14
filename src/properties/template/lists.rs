//! Lists over ordinals: voters, servers, listeners.

use std::sync::Arc;

use minijinja::{
    Environment, Error, ErrorKind,
    value::{Kwargs, Rest},
};

use super::Expand;

/// A quorum has a handful of voters, a map at the most some hundreds of brokers.
const MAX_COUNT: i32 = 1000;

/// The functions that lists are made with.
pub(super) const FUNCTIONS: [&str; 5] = ["file", "listeners", "range", "servers", "voters"];

pub(super) fn add(env: &mut Environment<'static>, expand: &Expand) {
    let own = Arc::clone(expand);
    env.add_function("voters", move |count: i32, pattern: &str, kwargs: Kwargs| -> Result<String, Error> {
        let base: i32 =
            kwargs.get("base").map_err(|_| wrong("voters needs base, the id of ordinal 0, as in base=1"))?;
        kwargs.assert_all_used()?;
        over(count, |ordinal| {
            let id = base.checked_add(ordinal).ok_or_else(|| format!("{base} + {ordinal} is no id"))?;
            own(pattern, ordinal, Some(id)).map(|address| format!("{id}@{address}"))
        })
    });
    let own = Arc::clone(expand);
    env.add_function("servers", move |count: i32, pattern: &str| -> Result<String, Error> {
        over(count, |ordinal| own(pattern, ordinal, None))
    });
    env.add_function("listeners", |all: Rest<String>| -> Result<String, Error> {
        let one = |text: &String| {
            let (name, port) = text.split_once(':')?;
            port.parse::<u16>().ok().filter(|_| !name.is_empty())?;
            Some(format!("{name}://0.0.0.0:{port}"))
        };
        let found: Result<Vec<_>, _> = all
            .iter()
            .map(|text| one(text).ok_or_else(|| wrong(format!("{text:?} is no listener; write NAME:PORT"))))
            .collect();
        Ok(found?.join(","))
    });
}

fn over(count: i32, one: impl Fn(i32) -> Result<String, String>) -> Result<String, Error> {
    if !(1..=MAX_COUNT).contains(&count) {
        return Err(wrong(format!("{count} is no number of nodes; from 1 to {MAX_COUNT}")));
    }
    let all: Result<Vec<_>, _> = (0..count).map(one).collect();
    all.map(|all| all.join(",")).map_err(wrong)
}

fn wrong(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}
