#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test where it stands")]
use proptest::prelude::*;

use super::*;

const MINUTE: u64 = 60_000;
const CAP: Duration = Duration::from_secs(7200);

fn now(boot_ms: u64, wall_ms: i64) -> Instant {
    Instant { boot: BootTime::from_millis(boot_ms), wall_ms }
}

fn stated(text: &str, first: Instant) -> Stated {
    let request = parse(text).map_err(|e| e.to_string());
    Stated { source: Source::File, request, first: FirstSeen::at(first), looked: first.boot }
}

fn judged(text: &str, first: Instant, at: Instant) -> Forced {
    let mut stated = stated(text, first);
    stated.looked = at.boot;
    judge(&stated, at, CAP)
}

#[test]
fn the_forms_that_are_taken() {
    let request = parse("ready,for=30m,reason=INC-1,by=alice\n").unwrap();
    assert_eq!((request.kind, request.end), (Kind::Ready, End::For(Duration::from_secs(1800))));
    assert_eq!((request.reason.as_str(), request.by.as_deref()), ("INC-1", Some("alice")));
    let request = parse("hold, until=1970-01-01T00:01:00+00:00, reason=disk swap").unwrap();
    assert_eq!((request.kind, request.end, request.by), (Kind::Hold, End::Until(60_000), None));
}

#[test]
fn every_mistake_has_its_own_words() {
    let cases = [
        ("", "empty"),
        ("forced,for=1m,reason=x", "`ready` or `hold`"),
        ("ready,for=1m", "reason= is required"),
        ("ready,reason=x", "an end is required"),
        ("ready,for=1m,until=2026-01-01T00:00:00Z,reason=x", "not both"),
        ("ready,for=1m,for=2m,reason=x", "given twice"),
        ("ready,for=1m,reason=x,who=me", "`who` is no known key"),
        ("ready,for=1m,reason=a,b", "`b` is no key=value"),
        ("ready,for=1m,reason=", "no value"),
        ("ready,for=0s,reason=x", "longer than nothing"),
        ("ready,for=-5m,reason=x", "no length of time"),
        ("ready,for=soon,reason=x", "no length of time"),
        ("ready,until=tomorrow,reason=x", "RFC 3339"),
        ("ready,until=2026-01-01T00:00:00,reason=x", "RFC 3339"),
        ("ready,for=1m,reason=a\u{1b}[2J", "control characters"),
        ("{\"ready\":true}", "`ready` or `hold`"),
    ];
    for (text, words) in cases {
        let told = parse(text).unwrap_err().to_string();
        assert!(told.contains(words), "{text:?}: {told}");
    }
    assert!(parse_bytes(&[0xff, 0xfe]).unwrap_err().to_string().contains("UTF-8"));
    assert!(parse_bytes(&vec![b'a'; MAX_BYTES + 1]).unwrap_err().to_string().contains("longer than"));
}

#[test]
fn it_runs_from_the_first_sight_and_ends_by_itself() {
    let first = now(1000, 5_000_000);
    let text = "ready,for=30m,reason=x";
    let at =
        |minutes: u64| now(1000 + minutes * MINUTE, 5_000_000 + i64::try_from(minutes * MINUTE).unwrap());
    let Forced::Active { left, until, since, .. } = judged(text, first, at(29)) else { panic!() };
    assert_eq!((left, until, since), (Duration::from_secs(60), 5_000_000 + 1_800_000, 5_000_000));
    assert!(matches!(judged(text, first, at(30)), Forced::Expired { .. }));
}

#[test]
fn the_wall_clock_does_not_move_a_length() {
    let first = now(0, 5_000_000);
    let text = "hold,for=30m,reason=x";
    assert!(matches!(judged(text, first, now(29 * MINUTE, 0)), Forced::Active { .. }));
    assert!(matches!(judged(text, first, now(31 * MINUTE, 0)), Forced::Expired { .. }));
    assert!(matches!(judged(text, first, now(MINUTE, 999_000_000_000)), Forced::Active { .. }));
}

#[test]
fn a_wall_clock_set_back_does_not_carry_until_past_the_cap() {
    let text = "ready,until=1970-01-01T02:00:00Z,reason=x";
    let first = now(0, 1000);
    assert!(matches!(judged(text, first, now(MINUTE, 0)), Forced::Active { .. }));
    assert!(matches!(judged(text, first, now(121 * MINUTE, 0)), Forced::Expired { .. }));
    assert!(matches!(judged(text, first, now(MINUTE, 7_200_000)), Forced::Expired { .. }));
}

#[test]
fn more_than_the_cap_is_refused() {
    let first = now(0, 0);
    for text in ["ready,for=3h,reason=x", "ready,until=1970-01-01T03:00:00Z,reason=x"] {
        let Forced::Refused { why, .. } = judged(text, first, first) else { panic!("{text}") };
        assert!(why.contains("the most that is allowed"), "{why}");
    }
}

#[test]
fn over_a_reboot_the_wall_clock_tells_what_passed() {
    let first = FirstSeen::at(now(9_000_000, 1_000_000));
    let later = first.after_reboot(now(500, 1_600_000));
    assert_eq!(later.elapsed(now(1500, 0)), Duration::from_secs(601));
    let lost = first.after_reboot(now(500, 1));
    assert_eq!(lost.elapsed(now(500, 1)), Duration::MAX);
}

#[test]
fn ready_is_not_forced_from_memory_and_hold_is() {
    let first = now(0, 0);
    let late = now(6000, 6000);
    assert!(matches!(judge(&stated("ready,for=1h,reason=x", first), late, CAP), Forced::Refused { .. }));
    assert_eq!(judge(&stated("hold,for=1h,reason=x", first), late, CAP).active(), Some(Kind::Hold));
}

#[test]
fn hold_beats_ready_and_the_annotation_beats_the_file() {
    let at = now(0, 0);
    let of = |text: &str, source| judge(&Stated { source, ..stated(text, at) }, at, CAP);
    let ready = "ready,for=1m,reason=r";
    let hold = "hold,for=1m,reason=h";
    for (file, annotation, kind, source) in [
        (ready, hold, Some(Kind::Hold), Source::Annotation),
        (hold, ready, Some(Kind::Hold), Source::File),
        (ready, ready, Some(Kind::Ready), Source::Annotation),
        (ready, "nonsense", Some(Kind::Ready), Source::File),
    ] {
        let (file, annotation) = (of(file, Source::File), of(annotation, Source::Annotation));
        for both in [combine(file.clone(), annotation.clone()), combine(annotation, file)] {
            assert_eq!(both.active(), kind);
            let Forced::Active { source: from, .. } = both else { panic!() };
            assert_eq!(from, source);
        }
    }
    assert_eq!(judge_all(&[], at, CAP), Forced::None);
}

#[test]
fn effective_readiness() {
    let at = now(0, 0);
    let of = |text: &str| judge(&stated(text, at), at, CAP);
    for (text, truly, answer) in [
        ("ready,for=1m,reason=r", false, true),
        ("hold,for=1m,reason=r", true, false),
        ("bad", true, true),
        ("bad", false, false),
    ] {
        assert_eq!(of(text).effective(truly), answer);
    }
}

fn value() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9=:#/._ é-]{1,40}".prop_map(|s| s.trim().to_owned()).prop_filter("empty", |s| !s.is_empty())
}

proptest! {
    #[test]
    fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_bytes(&bytes);
    }

    #[test]
    fn parsing_near_misses_never_panics(text in "(ready|hold|)(,(for|until|reason|by|x)=?[0-9a-zT:,=-]{0,12}){0,5}") {
        if let Ok(request) = parse(&text) {
            let at = now(0, 0);
            let _ = judge(&stated(&text, at), at, CAP);
            prop_assert!(!request.reason.is_empty());
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        hold: bool,
        reason in value(),
        by in proptest::option::of(value()),
        end in prop_oneof![
            (1u64..100_000_000).prop_map(|ms| End::For(Duration::from_millis(ms))),
            (0i64..4_000_000_000_000).prop_map(End::Until),
        ],
    ) {
        let kind = if hold { Kind::Hold } else { Kind::Ready };
        let request = Request { kind, reason, by, end };
        prop_assert_eq!(parse(&request.to_string()), Ok(request));
    }

    #[test]
    fn none_outlasts_the_cap(minutes in 1u64..300, passed in 0u64..400, wall in any::<i32>()) {
        let text = format!("ready,for={minutes}m,reason=x");
        let at = now(passed * MINUTE, i64::from(wall));
        if let Forced::Active { left, .. } = judged(&text, now(0, 0), at) {
            prop_assert!(Duration::from_millis(passed * MINUTE) + left <= CAP);
        }
    }
}
