//! What an operator writes by hand.

use pillion_probes::forced;

/// The override: it parses to something that is stated alike, or is refused.
///
/// # Panics
/// When that does not hold: the finding.
pub fn forced(bytes: &[u8]) {
    if let Ok(request) = forced::parse(&String::from_utf8_lossy(bytes)) {
        assert_eq!(forced::parse(&request.to_string()).as_ref(), Ok(&request));
    }
}
