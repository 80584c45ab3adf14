//! The settings of listeners with TLS and SASL.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::{EXTERNAL, Files, INTERNAL, Mechanism, PASSWORD, SASL, Tls};
use crate::cluster::Role;

/// The name of the controllers' listener that is the bed's own.
const QUORUM: &str = "BED";

/// What a node with these listeners is told beside, or instead of, what a plain one is told.
pub(crate) fn settings(
    tls: &Tls,
    role: Role,
    ip: Ipv4Addr,
    files: &Files,
    encrypted: bool,
) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut set = |key: &str, value: &str| drop(all.insert(key.to_owned(), value.to_owned()));
    let sasl = tls.sasl.map(|over| if over { "SASL_SSL" } else { "SASL_PLAINTEXT" });
    let controllers = if tls.controllers { "SSL" } else { "PLAINTEXT" };
    set(
        "listener.security.protocol.map",
        &format!(
            "PLAINTEXT:PLAINTEXT,CONTROLLER:{controllers},{QUORUM}:PLAINTEXT,{EXTERNAL}:SSL,{INTERNAL}:SSL,\
             {SASL}:{}",
            sasl.unwrap_or("SASL_SSL")
        ),
    );
    if tls.controllers {
        let own = if role.is_controller() { format!("CONTROLLER,{QUORUM}") } else { "CONTROLLER".to_owned() };
        set("controller.listener.names", &own);
        stores(tls, "CONTROLLER", files, encrypted, &mut set);
        set("listener.name.controller.ssl.client.auth", "required");
    }
    if role.is_broker() {
        set("inter.broker.listener.name", INTERNAL);
        set("listener.name.internal.ssl.client.auth", "required");
        if tls.client_auth {
            set("listener.name.external.ssl.client.auth", "required");
        }
        for name in [EXTERNAL, INTERNAL] {
            stores(tls, name, files, encrypted, &mut set);
        }
        if sasl == Some("SASL_SSL") {
            stores(tls, SASL, files, encrypted, &mut set);
        }
        let (mut more, at) = (format!("{EXTERNAL}://{ip}:9094,{INTERNAL}://{ip}:9095"), "listener.name.sasl");
        if sasl.is_some() {
            more = format!("{more},{SASL}://{ip}:9096");
            let names = Mechanism::ALL.map(Mechanism::name);
            set(&format!("{at}.sasl.enabled.mechanisms"), &names.join(","));
            for one in Mechanism::ALL {
                set(&format!("{at}.{}.sasl.jaas.config", one.name().to_lowercase()), one.jaas());
            }
        }
        set("listeners", &more);
        set("advertised.listeners", &more);
    }
    if tls.controllers && role.is_controller() {
        let quorum = format!("{QUORUM}://{ip}:9097");
        let listeners =
            all.remove("listeners").map_or_else(|| quorum.clone(), |more| format!("{more},{quorum}"));
        all.insert("listeners".to_owned(), listeners);
    }
    all
}

/// Adds these settings to those of a plain node: listeners beside its own, the rest instead.
pub(crate) fn combine(plain: &mut BTreeMap<String, String>, more: BTreeMap<String, String>) {
    for (key, value) in more {
        let beside = ["listeners", "advertised.listeners"].contains(&key.as_str());
        let old = plain.get(&key).filter(|old| beside && !old.is_empty());
        let value = old.map_or_else(|| value.clone(), |old| format!("{old},{value}"));
        plain.insert(key, value);
    }
}

fn stores(tls: &Tls, listener: &str, files: &Files, encrypted: bool, set: &mut impl FnMut(&str, &str)) {
    if tls.managed {
        return;
    }
    let at = format!("listener.name.{}.ssl", listener.to_lowercase());
    set(&format!("{at}.keystore.type"), "PEM");
    set(&format!("{at}.keystore.location"), &files.keystore().display().to_string());
    set(&format!("{at}.truststore.type"), "PEM");
    set(&format!("{at}.truststore.location"), &files.truststore().display().to_string());
    if encrypted {
        set(&format!("{at}.key.password"), PASSWORD);
    }
}
