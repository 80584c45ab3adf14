#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
use super::*;

fn scope() -> Scope {
    let word = |value: Option<Known>| Word { value, remedy: "say it".to_owned() };
    let text = |text: &str| Some(Known::Text(text.to_owned()));
    Scope {
        words: [
            ("cluster", word(text("demo"))),
            ("id", word(Some(Known::Number(1002)))),
            ("ordinal", word(Some(Known::Number(1)))),
            ("zone", word(None)),
        ]
        .into(),
        env: [("REGION".to_owned(), Some("eu-1".to_owned())), ("HEAP".to_owned(), None)].into(),
        resources: [("cpu", word(Some(Known::Number(4)))), ("memory", word(Some(Known::Number(8 << 30))))]
            .into(),
        read: Arc::new(|path| match path {
            "/secret" => Ok("geheim".to_owned()),
            _ => Err(Unread { what: format!("{path}: it does not exist"), remedy: "create it".to_owned() }),
        }),
        expand: Arc::new(|pattern, ordinal, id| {
            let id = id.map_or_else(|| "{id}".to_owned(), |id| id.to_string());
            let filled = pattern.replace("{ordinal}", &ordinal.to_string()).replace("{id}", &id);
            if filled.contains('{') { Err(format!("{filled} is not known")) } else { Ok(filled) }
        }),
    }
}

fn good(text: &str) -> String {
    render(text, &scope()).unwrap_or_else(|faults| unreachable!("{text}: {faults:?}")).value
}

fn bad(text: &str) -> String {
    let told = |fault: Fault| format!("{} ({})", fault.what, fault.remedy);
    render(text, &scope()).unwrap_err().into_iter().map(told).collect::<Vec<_>>().join("; ")
}

#[test]
fn identity_environment_and_sizes() {
    for (text, value) in [
        ("{{ cluster }}-{{ id }}", "demo-1002"),
        ("{{ env.REGION | upper }}", "EU-1"),
        ("{{ resources.cpu * 2 }}", "8"),
        ("{{ [resources.cpu // 2, 3] | max }}", "3"),
        ("{{ resources.memory // 4 }}", "2147483648"),
        ("{% if ordinal == 1 %}one{% else %}more{% endif %}", "one"),
        (
            "{% for n in range(3) %}/data/{{ n }}{% if not loop.last %},{% endif %}{% endfor %}",
            "/data/0,/data/1,/data/2",
        ),
        ("${file:/etc/keys:{{ cluster }}}", "${file:/etc/keys:demo}"),
        ("{{ \"{{\" }}", "{{"),
    ] {
        assert_eq!(good(text), value, "{text}");
    }
    for plain in ["${file:/a:b}", "${env:X}", "{#", "{a}", "RULE:[1:$1](.*)s/@.*//"] {
        assert!(!is_template(plain), "{plain}");
    }
}

#[test]
fn lists_over_ordinals_and_maps() {
    assert_eq!(good("{{ voters(2, 'c-{ordinal}:9093', base=1) }}"), "1@c-0:9093,2@c-1:9093");
    assert_eq!(
        good(
            "{{ [voters(1, 'a-{ordinal}:9093', base=1), voters(1, 'b-{ordinal}:9093', base=11)] | join(',') }}"
        ),
        "1@a-0:9093,11@b-0:9093"
    );
    assert_eq!(good("{{ servers(2, 'zk-{ordinal}:2181') }}/kafka"), "zk-0:2181,zk-1:2181/kafka");
    assert_eq!(good("{{ listeners('IN:9092', 'OUT:9094') }}"), "IN://0.0.0.0:9092,OUT://0.0.0.0:9094");
    for (text, says) in [
        ("{{ voters(2, 'c') }}", "base=1"),
        ("{{ servers(2, 'c-{id}') }}", "{id} is not known"),
        ("{{ servers(0, 'c') }}", "no number of nodes"),
        ("{{ listeners('IN') }}", "write NAME:PORT"),
    ] {
        assert!(bad(text).contains(says), "{text}: {}", bad(text));
    }
}

#[test]
fn a_file_is_a_secret_and_stays_one_when_something_fails() {
    let rendered = render("x{{ file('/secret') }}", &scope()).unwrap();
    assert_eq!((rendered.value.as_str(), rendered.secret), ("xgeheim", true));
    assert_eq!(bad("{{ file('/none') }}"), "/none: it does not exist (create it)");
    assert!(!bad("{{ file('/secret') | int }}").contains("geheim"), "{}", bad("{{ file('/secret') | int }}"));
    assert!(!bad("{{ file('/secret') * file('/secret') }}").contains("geheim"));
}

#[test]
fn every_name_that_is_not_known_is_told_with_what_there_is() {
    assert_eq!(
        bad("{{ zoen }}{{ env.HOME }}{{ env.HEAP }}{{ resources.cpus }}{{ zone }}"),
        "env.HOME is not allowed (add HOME to kafka.env; allowed there: HEAP, REGION); \
         there is no resources.cpus (there are resources.cpu, resources.memory); \
         there is no zoen (there are cluster, id, ordinal, zone, env.NAME, resources.NAME, file(), listeners(), range(), \
         servers(), voters())"
    );
    assert_eq!(
        bad("{{ env.HEAP }}{{ zone }}"),
        "the environment variable HEAP is not set (set it, or say what counts then: env.HEAP | default(\"...\")); \
         zone is not known here (say it)"
    );
    assert_eq!(good("{{ env.HEAP | default('1g') }}{{ zone | default('') }}"), "1g");
    assert!(bad("{{ env['HOME'] }}").contains("undefined value"), "{}", bad("{{ env['HOME'] }}"));
    assert!(bad("{{ id | hex }}").contains("filters are default"), "{}", bad("{{ id | hex }}"));
    assert!(bad("{{ id ").contains("mend the template"), "{}", bad("{{ id "));
}

#[test]
fn nothing_grows_without_bound() {
    let assigned = "{% set a = 'x' %}{{ a }}";
    assert!(bad(assigned).contains("set stands in it"));
    for text in [
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 100000000 }}",
        "{{ ([1] * 90000000) | join }}",
        "{{ range(90000) | join('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx') }}",
    ] {
        assert!(bad(text).contains("cannot be filled in"), "{text}: {}", bad(text));
    }
    let long = format!("{{{{ '{}' }}}}", "x".repeat(MAX_TEMPLATE));
    assert!(bad(&long).contains("longer than"));
}

proptest::proptest! {
    #[test]
    fn no_template_makes_it_fall_over(text in "(\\{\\{|\\}\\}|\\{%|%\\}|[a-z0-9 .,'\"()|*~\\[\\]{}%+-]){0,60}") {
        let _ = render(&text, &scope());
    }
}
