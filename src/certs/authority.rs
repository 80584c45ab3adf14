//! Which CAs are trusted, and whether a certificate may be of one of them now.

use super::{
    Bundle, Fault, Installed, Phase, Rules,
    chain::{self, Broken, Certificate, Path},
    check::broken,
    pem,
};

/// The CAs that will be trusted. While one takes the place of another, the files of the change say it alone.
pub(super) fn trusted(bundle: &Bundle, phase: &Phase) -> Result<Vec<Certificate>, Fault> {
    let of_change = |bytes: &[u8], name: &str| {
        chain::read(bytes, pem::AUTHORITY, &format!("{name} of the change of the CA"))
    };
    let mut all = match phase {
        Phase::Stable => {
            chain::read(&bundle.authority, pem::AUTHORITY, &format!("the CA of {}", bundle.origin))?
        }
        Phase::TrustBoth { old, new } | Phase::Swap { old, new } => {
            let mut both = of_change(old, "old.crt")?;
            both.extend(of_change(new, "new.crt")?);
            both
        }
        Phase::Drop { new } => of_change(new, "new.crt")?,
    };
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|one| seen.insert(one.says.sha256));
    Ok(all)
}

/// The way from the certificate to a CA that it may be of now.
pub(super) fn path(
    leaf: &Certificate,
    others: &[Certificate],
    trusted: &[Certificate],
    origin: &str,
    rules: &Rules<'_>,
) -> Result<Path, Vec<Fault>> {
    let walk = |to: &[Certificate]| chain::path(leaf, others, to, rules.inter_broker, rules.now);
    let path = walk(trusted).map_err(|error| vec![fault(&error, leaf, others, trusted, origin)])?;
    let mut faults = Vec::new();
    let authority = &path.authority.says;
    if authority.not_after <= rules.now {
        let ended = crate::stamp::seconds(authority.not_after.saturating_mul(1000));
        let text = format!("the CA of {origin} ({}) ended at {ended}", authority.subject);
        faults.push(Fault::new(
            "authority-expired",
            text,
            "renew the CA: docs/certificates.md has the three phases",
        ));
    }
    if !chain::may_sign(&path.authority) {
        let text = format!(
            "{} is trusted as a CA by {origin} and is none (no basicConstraints CA:TRUE)",
            authority.subject
        );
        faults.push(Fault::new("authority-not-ca", text, "put the certificate of the CA into ca.crt"));
    }
    faults.extend(order(&walk, origin, rules));
    if faults.is_empty() { Ok(path) } else { Err(faults) }
}

/// Whether now is the time for it: each step must leave this broker one that those which are a step behind or ahead trust.
fn order(
    walk: &impl Fn(&[Certificate]) -> Result<Path, Broken>,
    origin: &str,
    rules: &Rules<'_>,
) -> Option<Fault> {
    let unsafe_ = |text: String, remedy: &str| Some(Fault::new("phase-unsafe", text, remedy));
    let read = |bytes: &[u8]| chain::read(bytes, pem::AUTHORITY, "").unwrap_or_default();
    let has = rules.installed.map(Installed::trusted);
    match rules.phase {
        // What clients trust is not known here; what brokers trust is.
        Phase::Stable => {
            let has = has.filter(|has| rules.inter_broker && walk(has).is_err())?;
            let known: Vec<_> = has.iter().map(|one| one.says.subject.as_str()).collect();
            let text = format!(
                "the certificate of {origin} is of a CA that the brokers do not trust yet; they trust: {}",
                known.join(", ")
            );
            Some(Fault::new("authority-changed", text, "change the CA in three phases: docs/certificates.md"))
        }
        Phase::TrustBoth { old, .. } => {
            walk(&read(old)).err()?;
            let text = format!(
                "the certificate of {origin} is already the new CA's, and in the phase trust-both others may not trust it"
            );
            unsafe_(text, "when all brokers trust both, set the phase to swap")
        }
        Phase::Swap { new, .. } => {
            has.filter(|has| !chain::includes(has, &read(new)))?;
            let text =
                "the phase is swap, and this broker does not trust the new CA yet: trust-both was left out";
            unsafe_(text.to_owned(), "set the phase to trust-both until all brokers trust both, then to swap")
        }
        Phase::Drop { new } => {
            rules.installed.filter(|installed| !installed.is_of(&read(new), rules.now))?;
            let text = "the phase is drop, and this broker still serves a certificate of the old CA: swap was left out";
            unsafe_(
                text.to_owned(),
                "set the phase to swap until all brokers serve a certificate of the new CA",
            )
        }
    }
}

/// Why there is no way, told apart by what a person has to do.
fn fault(
    error: &Broken,
    leaf: &Certificate,
    others: &[Certificate],
    trusted: &[Certificate],
    origin: &str,
) -> Fault {
    if !matches!(error, Broken::Invalid(webpki::Error::UnknownIssuer)) {
        return broken(error, &leaf.says, origin);
    }
    // The last one of the way that is there.
    let mut last = &leaf.says;
    for _ in 0..others.len() {
        let issuer = others.iter().find(|one| one.says.subject == last.issuer && one.says != *last);
        let Some(issuer) = issuer else { break };
        last = &issuer.says;
    }
    let known: Vec<_> = trusted.iter().map(|one| one.says.subject.as_str()).collect();
    if known.contains(&last.issuer.as_str()) {
        return broken(&Broken::Invalid(webpki::Error::InvalidSignatureForPublicKey), last, origin);
    }
    let text = format!(
        "the certificate of {origin} does not lead to its CA: {:?} is missing; trusted are: {}",
        last.issuer,
        known.join(", ")
    );
    let remedy = "append the certificates of the intermediate CAs to the certificate, or put the CA that issued it into \
                  ca.crt";
    Fault::new("chain-incomplete", text, remedy)
}

/// Whether a certificate, with those that lead on from it behind it (DER), is of one of these CAs (PEM).
pub fn is_of(chain: &[Vec<u8>], authorities: &[u8], now: i64) -> bool {
    let Ok(authorities) = chain::read(authorities, pem::AUTHORITY, "") else { return false };
    let mut all = chain.iter().filter_map(|der| Certificate::of(der.clone()));
    let Some(leaf) = all.next() else { return false };
    chain::path(&leaf, &all.collect::<Vec<_>>(), &authorities, false, now).is_ok()
}

/// Whether all of these CAs (PEM) are among those that are trusted.
pub fn trusts(installed: &Installed, authorities: &[u8]) -> bool {
    chain::read(authorities, pem::AUTHORITY, "").is_ok_and(|all| chain::includes(&installed.trusted(), &all))
}

/// Those of these CAs (DER) that are not among `others` (PEM), in PEM; `None` where there are none.
pub fn beside(authorities: &[Vec<u8>], others: &[u8]) -> Option<Vec<u8>> {
    let others = chain::read(others, pem::AUTHORITY, "").unwrap_or_default();
    let mut more = authorities.iter().filter(|der| !others.iter().any(|other| other.der == **der)).peekable();
    more.peek()?;
    Some(pem::render("CERTIFICATE", more.map(Vec::as_slice)))
}

/// SHA-256 of each of these CAs (PEM).
pub fn prints(authorities: &[u8]) -> Vec<[u8; 32]> {
    let all = chain::read(authorities, pem::AUTHORITY, "").unwrap_or_default();
    all.iter().map(|one| one.says.sha256).collect()
}
