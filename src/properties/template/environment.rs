//! The engine, with what settings need.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value, filters, functions};

use super::{FUEL, Scope, Unread, lists};

/// The filters that there are.
pub const FILTERS: [&str; 15] = [
    "default", "first", "float", "int", "join", "last", "length", "lower", "max", "min", "replace", "round",
    "sort", "trim", "upper",
];

/// The first file that could not be read: the engine wraps errors in its own words.
pub(super) type Unreads = Arc<Mutex<Option<Unread>>>;

pub(super) fn taken(unread: &Unreads) -> Option<Unread> {
    unread.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// An engine for one value; `secret` tells afterwards whether a file stands in it.
pub(super) fn of(scope: &Scope, secret: &Arc<AtomicBool>, unread: &Unreads) -> Environment<'static> {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(50);
    env.add_filter("default", filters::default);
    env.add_filter("first", filters::first);
    env.add_filter("float", filters::float);
    env.add_filter("int", filters::int);
    env.add_filter("join", filters::join);
    env.add_filter("last", filters::last);
    env.add_filter("length", filters::length);
    env.add_filter("lower", filters::lower);
    env.add_filter("max", filters::max);
    env.add_filter("min", filters::min);
    env.add_filter("replace", filters::replace);
    env.add_filter("round", filters::round);
    env.add_filter("sort", filters::sort);
    env.add_filter("trim", filters::trim);
    env.add_filter("upper", filters::upper);
    env.add_function("range", functions::range);
    lists::add(&mut env, &scope.expand);
    let (read, secret, unread) = (Arc::clone(&scope.read), Arc::clone(secret), Arc::clone(unread));
    env.add_function("file", move |path: &str| -> Result<Value, Error> {
        secret.store(true, Ordering::Relaxed);
        read(path).map(Value::from).map_err(|why| {
            let error = Error::new(ErrorKind::InvalidOperation, why.what.clone());
            *unread.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            error
        })
    });
    for (name, word) in &scope.words {
        if let Some(known) = &word.value {
            env.add_global(*name, known.value());
        }
    }
    let set = |(name, value): (&String, &Option<String>)| Some((name.clone(), Value::from(value.clone()?)));
    env.add_global("env", scope.env.iter().filter_map(set).collect::<BTreeMap<_, _>>());
    let known = scope.resources.iter().filter_map(|(name, word)| Some((*name, word.value.as_ref()?.value())));
    env.add_global("resources", known.collect::<BTreeMap<_, _>>());
    env
}
