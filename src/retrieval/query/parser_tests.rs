//! What each piece of the language means, and where each mistake is pointed at.

use proptest::prelude::*;

use super::*;

fn shown(expression: &Expression) -> String {
    let list =
        |parts: &[Expression]| -> String { parts.iter().map(shown).collect::<Vec<_>>().join(" ") };
    match expression {
        Expression::All(parts) => format!("(all {})", list(parts)),
        Expression::Any(parts) => format!("(any {})", list(parts)),
        Expression::Not(inner) => format!("(not {})", shown(inner)),
        Expression::Condition(condition) => match condition {
            Condition::Text(text) => text.clone(),
            Condition::Prefix(text) => format!("{text}~"),
            Condition::Verdict(verdict) => format!("!{}", verdict.name()),
            Condition::Modality(values) => format!("modality={values:?}"),
            Condition::Kind(values) => format!("type={values:?}"),
            Condition::Has(values) => format!("has={values:?}"),
            Condition::Years(ranges) => {
                let ranges: Vec<_> = ranges.iter().map(|year| (year.from, year.to)).collect();
                format!("year={ranges:?}")
            }
            Condition::Ids(ids) => format!("id={ids:?}"),
            Condition::Keys(keys) => format!("key={keys:?}"),
            Condition::Tags(tags) => {
                let tags: Vec<_> = tags.iter().map(Tag::as_str).collect();
                format!("tag={tags:?}")
            }
            Condition::Named(field, values) => {
                let values: Vec<_> = values.iter().map(|value| value.text.as_str()).collect();
                format!("{}={values:?}", field.name())
            }
        },
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let query = QueryText::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let found = query.expression.as_ref().map(shown).unwrap_or_default();
    assert_eq!(found, expected, "{text}");
}

#[track_caller]
fn refused(text: &str, column: usize, message: &str, hint: &str) {
    let error = QueryText::parse(text).expect_err(text);
    assert_eq!(error.column, column, "{text}: {error:?}");
    assert!(error.message.contains(message), "{text}: {error:?}");
    let said = error.hint.unwrap_or_default();
    assert!(said.contains(hint), "{text}: {said}");
}

#[test]
fn words_side_by_side_must_all_match() {
    check("pleural effusion", "(all pleural effusion)");
    check("pleural AND effusion", "(all pleural effusion)");
}

#[test]
fn or_binds_weaker_than_standing_side_by_side() {
    check("a b OR c d", "(any (all a b) (all c d))");
    check("a (b OR c) d", "(all a (any b c) d)");
}

#[test]
fn phrases_keep_their_words_together() {
    check("\"pleural effusion\" CT", "(all pleural effusion CT)");
    check("“pleural effusion”", "pleural effusion");
    check(r#""say \"ah\"""#, "say \"ah\"");
}

#[test]
fn a_dash_and_not_negate() {
    check("-a NOT b", "(all (not a) (not b))");
    check("-(a OR b)", "(not (any a b))");
    check("--a", "(not (not a))");
    check("T2 - weighted", "(all T2 weighted)");
    check("T2-weighted", "T2-weighted");
}

#[test]
fn a_star_makes_a_beginning() {
    check("calcif*", "calcif~");
    check("*", "*");
}

#[test]
fn fields_take_one_or_several_values() {
    check("modality:CT", "modality=[Ct]");
    check("modality:ct,MRI", "modality=[Ct, Mr]");
    check("Modality:\"X-ray\",US", "modality=[XRay, Ultrasound]");
    check("type:closed", "type=[Closed]");
    check(
        "has:gold-rationale,note",
        "has=[Indexed(GoldRationale), Note]",
    );
    check("tag:\"to check\",b", "tag=[\"to-check\", \"b\"]");
    check("id:4,5", "id=[4, 5]");
    check("key:MPX1009", "key=[\"MPX1009\"]");
    check("part:\"left lung\"", "part=[\"left lung\"]");
    check(
        "body_part:a language:zh license:b",
        "(all part=[\"a\"] lang=[\"zh\"] licence=[\"b\"])",
    );
    check("source:a,", "source=[\"a\"]");
}

#[test]
fn years_are_single_or_ranges() {
    check("year:2021", "year=[(2021, 2021)]");
    check("year:2018..2024", "year=[(2018, 2024)]");
    check("year:2018..", &format!("year=[(2018, {})]", i32::MAX));
    check(
        "year:..2020,2022",
        &format!("year=[({}, 2020), (2022, 2022)]", i32::MIN),
    );
}

#[test]
fn verdicts_are_flags_unless_quoted() {
    check("wrong model:a", "(all !wrong model=[\"a\"])");
    check("\"wrong\"", "wrong");
    check("Wrong", "Wrong");
}

#[test]
fn colons_behind_anything_but_letters_are_text() {
    check("12:30 T2:high :x", "(all 12:30 T2:high :x)");
}

#[test]
fn a_group_of_one_stays_a_group() {
    check("(wrong)", "(all !wrong)");
}

#[test]
fn nothing_asked_is_an_empty_query() {
    check("  ", "");
    assert!(QueryText::parse(" - ").is_ok_and(|query| query.is_empty()));
}

#[test]
fn mistakes_are_pointed_at() {
    refused("lung modaliti:CT", 5, "no field `modaliti`", "`modality:`");
    refused("肺 zzzzzz:1", 2, "no field", "fields are modality");
    refused("modality:XT", 9, "knows no `XT`", "did you mean `CT`");
    refused("modality:CT,bogus", 12, "knows no `bogus`", "one of CT, MR");
    refused("type:opne", 5, "knows no `opne`", "did you mean `open`");
    refused("has:regoin", 4, "knows no", "did you mean `region`");
    refused("a year:20x", 7, "no year", "year:2018..2024");
    refused("year:2024..2018", 5, "no year", "earlier year stands first");
    refused("source:", 7, "has no value", "source:medpix2");
    refused("id:x", 3, "no row number", "key:");
    refused("tag:a$b", 4, "is not a tag", "1 to 40");
    refused("a \"b c", 2, "not closed", "add a");
    refused("(a b", 0, "not closed", "add `)`");
    refused("a ) b", 2, "never opened", "remove it");
    refused(
        "()",
        1,
        "nothing stands before this parenthesis",
        "add a word",
    );
    refused("OR a", 0, "nothing stands before this `OR`", "add a word");
    refused("a OR", 4, "ends too early", "add a word");
    refused("a NOT", 5, "ends too early", "add a word");
    refused("a AND OR b", 6, "before this `OR`", "add a word");
}

#[test]
fn depth_and_length_are_bounded() {
    refused(&"(".repeat(3_000), 40, "more than 40", "flatter");
    refused(&"-".repeat(3_000), 40, "more than 40", "flatter");
    refused(&"肺".repeat(4_001), 4_000, "at most 4000", "telling words");
}

#[test]
fn the_nearest_name_must_be_near() {
    assert_eq!(nearest("sorce", ["source", "split"]), Some("source"));
    assert_eq!(nearest("qqqqqq", ["source", "split"]), None);
}

fn query_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("(".to_owned()),
        Just(")".to_owned()),
        Just(" OR ".to_owned()),
        Just(" NOT ".to_owned()),
        Just("-".to_owned()),
        Just("\"".to_owned()),
        Just(" ".to_owned()),
        Just(",".to_owned()),
        Just("\\".to_owned()),
        "(modality|year|has|model|tag|id|part|zz):",
        "(CT|2018\\.\\.|region|huatuo|wrong|肺部|lung\\*)",
        ".{0,4}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_within_its_length(text in "(?s).{0,60}") {
        if let Err(error) = QueryText::parse(&text) {
            prop_assert!(error.column <= text.chars().count());
        }
    }

    #[test]
    fn any_query_like_text_is_read_or_refused_within_its_length(text in query_like()) {
        if let Err(error) = QueryText::parse(&text) {
            prop_assert!(error.column <= text.chars().count(), "{text:?} {error:?}");
        }
    }
}
