//! Names of classes: `names:` of a data.yaml, or a list with one name a line.
//!
//! Of YAML only what such files hold is read: a list or a map of plain or quoted texts, in lines of
//! their own or in brackets.

use std::collections::BTreeMap;

use super::line::Form;

/// A place that says nothing: its line and why.
pub(super) type Fault = (u64, String);

#[derive(Debug, PartialEq)]
pub(super) struct Classes {
    names: BTreeMap<u32, String>,
    pub(super) form: Form,
}

impl Classes {
    pub(super) fn name(&self, class: u32) -> Option<&str> {
        self.names.get(&class).map(String::as_str)
    }

    pub(super) fn has_names(&self) -> bool {
        !self.names.is_empty()
    }
}

/// One name a line, the first is class 0. A blank line is a class without a name.
pub(super) fn of_list(text: &str) -> Classes {
    let lines = (0..).zip(text.trim_start_matches('\u{feff}').lines());
    Classes {
        names: lines
            .map(|(class, line)| (class, line.trim().to_owned()))
            .filter(|(_, name)| !name.is_empty())
            .collect(),
        form: Form::Outline,
    }
}

/// Nothing if the file names no classes: there are other YAML files in such folders.
pub(super) fn of_yaml(text: &str) -> Option<(Classes, Vec<Fault>)> {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = (1_u64..).zip(text.lines());
    let (number, rest) = lines.find_map(|(at, line)| Some((at, line.strip_prefix("names:")?)))?;
    let lines: Vec<(u64, &str)> = lines.collect();
    let rest = rest.trim();
    let (entries, mut faults) = if rest.starts_with(['[', '{']) {
        let following: Vec<&str> = lines.iter().map(|(_, line)| *line).collect();
        let bracketed = format!("{rest}\n{}", following.join("\n"));
        match in_brackets(&bracketed) {
            Some(written) => (written.into_iter().map(|it| (number, it)).collect(), vec![]),
            None => (
                vec![],
                vec![(number, "its names are no sound list".to_owned())],
            ),
        }
    } else if rest.is_empty() || rest.starts_with('#') {
        in_lines(&lines)
    } else {
        let reason = format!("`{rest}` is neither a list nor a map of names");
        (vec![], vec![(number, reason)])
    };
    let names = numbered(entries, &mut faults);
    faults.sort();
    let has_key_points = text.lines().any(|line| line.starts_with("kpt_shape:"));
    let form = if has_key_points {
        Form::KeyPoints
    } else {
        Form::Outline
    };
    Some((Classes { names, form }, faults))
}

/// A name, and the number written before it.
#[derive(Debug, PartialEq)]
struct Entry {
    number: Option<String>,
    name: String,
}

fn numbered(entries: Vec<(u64, Entry)>, faults: &mut Vec<Fault>) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    for (place, (line, entry)) in (0..).zip(entries) {
        let class = match entry.number.as_deref().map(str::parse::<u32>) {
            Some(Ok(class)) => class,
            None => place,
            Some(Err(_)) => {
                let written = entry.number.unwrap_or_default();
                faults.push((line, format!("`{written}` is no class number")));
                continue;
            }
        };
        if !entry.name.is_empty() {
            names.insert(class, entry.name);
        }
    }
    names
}

/// `- name` or `0: name`, until the next key begins.
fn in_lines(lines: &[(u64, &str)]) -> (Vec<(u64, Entry)>, Vec<Fault>) {
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    for &(at, line) in lines {
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let is_item = content == "-" || content.starts_with("- ");
        if !is_item && !line.starts_with([' ', '\t']) {
            break;
        }
        let entry = match content.strip_prefix('-').filter(|_| is_item) {
            Some(item) => alone(item).map(|name| Entry { number: None, name }),
            None => pair(content),
        };
        match entry {
            Some(entry) => entries.push((at, entry)),
            None => faults.push((at, format!("`{content}` is no name of a class"))),
        }
    }
    (entries, faults)
}

fn pair(content: &str) -> Option<Entry> {
    let (number, rest) = scalar(content, &[':'])?;
    let name = alone(rest.strip_prefix(':')?)?;
    Some(Entry {
        number: Some(number),
        name,
    })
}

/// A text that has the rest of its line for itself.
fn alone(written: &str) -> Option<String> {
    let (name, rest) = scalar(written.trim_start(), &[])?;
    past_blanks(rest).is_empty().then_some(name)
}

/// `[a, b]` or `{0: a, 1: b}`, over as many lines as it takes; nothing if it is not closed.
fn in_brackets(text: &str) -> Option<Vec<Entry>> {
    let (is_map, closing) = match text.chars().next()? {
        '{' => (true, '}'),
        _ => (false, ']'),
    };
    let mut rest = past_blanks(text.get(1..)?);
    let mut entries = Vec::new();
    while !rest.starts_with(closing) {
        let number = if is_map {
            let (number, after) = scalar(rest, &[':', ',', closing])?;
            rest = past_blanks(past_blanks(after).strip_prefix(':')?);
            Some(number)
        } else {
            None
        };
        let (name, after) = scalar(rest, &[',', closing])?;
        entries.push(Entry { number, name });
        rest = past_blanks(after);
        match rest.strip_prefix(',') {
            Some(after) => rest = past_blanks(after),
            None if rest.starts_with(closing) => {}
            None => return None,
        }
    }
    Some(entries)
}

/// Past white space and comments.
fn past_blanks(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        if !text.starts_with('#') {
            return text;
        }
        text = text.split_once('\n').map_or("", |(_, rest)| rest);
    }
}

/// The text at the start, and what stands behind it: in quotes, or up to one of `ends`, a comment
/// or the end of the line.
fn scalar<'a>(text: &'a str, ends: &[char]) -> Option<(String, &'a str)> {
    if let Some(quote @ ('"' | '\'')) = text.chars().next() {
        return quoted(text.get(1..)?, quote);
    }
    let mut before = ' ';
    let end = text.find(|c: char| {
        let is_comment = c == '#' && before.is_whitespace();
        before = c;
        c == '\n' || is_comment || ends.contains(&c)
    });
    let (name, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
    Some((name.trim().to_owned(), rest))
}

/// Up to the closing quote: `''` is a quote in single ones, `\` takes what follows in double ones.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let is_doubled = quote == '\''
            && c == quote
            && characters.peek().is_some_and(|(_, next)| *next == quote);
        if is_doubled || (quote == '"' && c == '\\') {
            name.push(characters.next()?.1);
        } else if c == quote {
            let rest = text.get(at + c.len_utf8()..)?;
            return Some((name.trim().to_owned(), rest));
        } else {
            name.push(c);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(yaml: &str, expected: &str) {
        let (classes, faults) = of_yaml(yaml).unwrap();
        let names = classes
            .names
            .iter()
            .map(|(at, name)| format!("{at}={name}"));
        let faults = faults.iter().map(|(at, why)| format!("{at}: {why}"));
        assert_eq!(names.chain(faults).collect::<Vec<_>>().join("; "), expected);
    }

    #[test]
    fn names_as_a_list_of_lines() {
        let yaml = "path: ../x\nnames:  # two\n- polyp\n\n# more\n  - 'a: b'  # quoted\nnc: 2\n- c";
        check(yaml, "0=polyp; 1=a: b");
    }

    #[test]
    fn names_as_a_map() {
        let yaml = "names:\n  0: nodule\n  '2': \"it's \\\"x\\\"\"\n  4: Crohn's # not 5\nval: x\n";
        check(yaml, "0=nodule; 2=it's \"x\"; 4=Crohn's");
    }

    #[test]
    fn names_in_brackets() {
        check("nc: 2\nnames: [a, 'b, c', \"d\"]  # x", "0=a; 1=b, c; 2=d");
        check(
            "names: ['it''s',\n  b, # c\n  d,\n]\nnc: 3",
            "0=it's; 1=b; 2=d",
        );
        check("names: {0: a, 7: 'b'}", "0=a; 7=b");
        check("names: []", "");
    }

    #[test]
    fn a_class_without_a_name_keeps_its_place() {
        check("names:\n-\n- b", "1=b");
        check("names: ['', b]", "1=b");
    }

    #[test]
    fn faults_name_their_line_and_cost_no_other() {
        check("nc: 1\nnames: [a, b", "2: its names are no sound list");
        check("names: [a 'b'", "1: its names are no sound list");
        check("names: ['a' b]", "1: its names are no sound list");
        check(
            "names: obj.names",
            "1: `obj.names` is neither a list nor a map of names",
        );
        check(
            "names:\n  0: a\n  x: b\n  c\n  2: d",
            "0=a; 2=d; 3: `x` is no class number; 4: `c` is no name of a class",
        );
    }

    #[test]
    fn other_files_name_nothing() {
        assert_eq!(of_yaml("lr0: 0.01\n# names:\nsub:\n  names: [a]"), None);
    }

    #[test]
    fn key_points_are_announced() {
        let (classes, _) = of_yaml("kpt_shape: [17, 3]\nnames: [person]").unwrap();
        assert_eq!(classes.form, Form::KeyPoints);
    }

    #[test]
    fn a_list_counts_blank_lines() {
        let classes = of_list("\u{feff}a\r\n\r\n c \n");
        let names: Vec<_> = (0..4).map(|class| classes.name(class)).collect();
        assert_eq!(names, [Some("a"), None, Some("c"), None]);
    }

    proptest! {
        #[test]
        fn any_text_ends(text in "(names:)?[\\[\\]{}'\"#:,\\- \n\\\\a0é]{0,40}") {
            let _ = of_yaml(&text);
        }
    }
}
