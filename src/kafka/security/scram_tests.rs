#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test where it stands")]
use super::*;

/// The example of RFC 7677, section 3.
const CLIENT: &str = "rOprNGfwEbeRWgbNEkqO";
const SERVER_FIRST: &str =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

fn begun(user: &str) -> (Scram, String) {
    let (scram, first) =
        Scram::begin(Hash::Sha256, user.as_bytes(), Zeroizing::new(b"pencil".to_vec()), CLIENT);
    (scram, String::from_utf8(first).unwrap())
}

fn sent(step: Step) -> String {
    match step {
        Step::Send(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        Step::Done => panic!("nothing is sent"),
    }
}

#[test]
fn the_example_of_the_rfc() {
    let (mut scram, first) = begun("user");
    assert_eq!(first, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    assert_eq!(
        sent(scram.step(SERVER_FIRST.as_bytes()).unwrap()),
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
         p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    let last = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    assert!(matches!(scram.step(last), Ok(Step::Done)));
    assert!(scram.step(last).is_err(), "once");
}

#[test]
fn a_name_is_escaped() {
    assert_eq!(begun("a=b,c").1, "n,,n=a=3Db=2Cc,r=rOprNGfwEbeRWgbNEkqO");
}

#[test]
fn what_a_broker_may_not_say() {
    let bad = [
        "",
        "x",
        // Another exchange, or a nonce that the broker added nothing to.
        "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095",
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4294967295",
        "r=rOprNGfwEbeRWgbNEkqOx,s=!,i=4096",
        "r=rOprNGfwEbeRWgbNEkqOx,i=4096",
    ];
    for answer in bad {
        assert!(begun("user").0.step(answer.as_bytes()).is_err(), "{answer}");
    }
    for last in ["", "e=other-error", "v=", "v=AAAA", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="] {
        let mut scram = begun("user").0;
        scram.step(SERVER_FIRST.as_bytes()).unwrap();
        assert!(scram.step(last.as_bytes()).is_err(), "{last}");
    }
}

#[test]
fn no_two_are_the_same() {
    assert_ne!(nonce(), nonce());
}
