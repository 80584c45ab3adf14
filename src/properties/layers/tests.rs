#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
use super::*;

fn layer(name: &str, origin: Origin, pairs: &[(&str, &str)]) -> Layer {
    let setting = |(at, (key, value)): (usize, &(&str, &str))| {
        let place = format!("{name}.properties:{}", at + 1);
        ((*key).to_owned(), Setting { value: (*value).to_owned(), place, ..Setting::default() })
    };
    let settings = pairs.iter().enumerate().map(setting).collect();
    Layer { name: name.to_owned(), heading: format!("of {name}"), origin, settings }
}

fn layers() -> Layers {
    Layers::new(vec![
        layer("pillion", Origin::Default, &[("a", "1"), ("b", "1")]),
        layer("team", Origin::User, &[("b", "2"), ("c", "2"), ("d", "3 "), ("ssl.key.password", "geheim")]),
        layer("map", Origin::User, &[("b", "3"), ("c", "9")]),
        layer("identity", Origin::Computed, &[("c", "3"), ("d", "3")]),
    ])
}

#[test]
fn the_upper_layer_counts_and_each_key_stands_once() {
    let layers = layers();
    assert_eq!(
        layers.render(Style::default()),
        "\n# of pillion\na=1\n\n# of team\nssl.key.password=geheim\n\n# of map\nb=3\n\n# of identity\nc=3\nd=3\n"
    );
    let contradictions = layers.contradictions();
    let told: Vec<_> = contradictions.iter().map(|c| (c.key.as_str(), c.theirs.place.as_str())).collect();
    assert_eq!(told, [("c", "team.properties:2"), ("c", "map.properties:2")]);
    assert_eq!(layers.get("b"), Some(("3", Origin::User)));
    assert_eq!(layers.user("c").unwrap().value, "9");
    assert_eq!(layers.computed("c"), Some("3"));
}

#[test]
fn what_people_see_says_where_and_hides_secrets() {
    let style = Style { comments: true, masked: true };
    let text = layers().render(style);
    assert!(text.contains("# map: map.properties:1\nb=3\n"), "{text}");
    assert!(text.contains("ssl.key.password=[hidden]\n") && !text.contains("geheim"), "{text}");
    assert_eq!(
        layers().explain("b").unwrap(),
        "b=3\n    set by map, map.properties:1\n    hides 2 of team, team.properties:1\n    \
         hides 1 of pillion, pillion.properties:2\n"
    );
    assert!(!layers().explain("ssl.key.password").unwrap().contains("geheim"));
    assert_eq!(layers().explain("z"), None);
}
