//! Our own file shapes, mappings and bad rows, in small.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use semihv_curation::{ImportError, ImportRequest, importer, read_bytes, read_lines};
use semihv_domain::{Imported, Modality, QuestionKind, Shape, Sink, Skipped, Verdict};
use semihv_workspace::FieldMapping;

use crate::given::{CASE, answers, cases, folder, import, questions, reasons, try_import};

#[test]
fn a_line_of_our_own_shape_becomes_a_case_with_everything_in_it() {
    let folder = folder(&[
        ("cases.jsonl", CASE.as_bytes()),
        ("images/ct-001.png", b"pixels"),
    ]);
    let read = import("jsonl", &folder.path().join("cases.jsonl"));
    assert_eq!(reasons(&read), [""; 0]);
    let case = cases(&read)[0];
    assert_eq!(
        (case.title.as_str(), case.year, case.modality),
        ("A nodule", Some(2023), Some(Modality::Ct))
    );
    assert_eq!(case.sections.len(), 1, "N/A is no section");
    let image = &case.images[0];
    assert!(!image.is_missing && image.regions.len() == 1);
    assert_eq!(read_bytes(&image.location).unwrap(), b"pixels");
    let question = questions(&read)[0];
    assert_eq!(
        (question.kind, question.gold.as_str()),
        (QuestionKind::Closed, "yes")
    );
    assert_eq!(question.gold_rationale.as_deref(), Some("It is round."));
}

#[test]
fn bad_lines_are_skipped_with_their_reason_and_the_others_are_taken() {
    let mut bytes =
        b"{\"key\":\"a\"}\nnot json\n{\"title\":\"no key\"}\n{\"key\":\"\xff\"}\n\n".to_vec();
    bytes.extend_from_slice(
        b"{\"key\":\"a\"}\n{\"key\":\"e\",\"images\":[{\"path\":\"../../etc/passwd\"}]}\n",
    );
    bytes.extend_from_slice(
        b"{\"key\":\"f\",\"images\":[{\"path\":\"/etc/passwd\"}]}\n{\"key\":\"\"}\n{\"key\":\"z\"}",
    );
    let folder = folder(&[("x.jsonl", &bytes)]);
    let read = import("jsonl", folder.path());
    let keys: Vec<&str> = cases(&read).iter().map(|case| case.key.as_str()).collect();
    assert_eq!(keys, ["a", "z"]);
    assert_eq!(
        reasons(&read),
        [
            "x.jsonl:2: expected ident (column 2)",
            "x.jsonl:3: missing field `key` (column 18)",
            "x.jsonl:4: invalid UTF-8 at byte 9",
            "x.jsonl:6: the case `a` came already in row 1",
            "x.jsonl:7: the path `../../etc/passwd` leaves the imported folder",
            "x.jsonl:8: the path `/etc/passwd` leaves the imported folder",
            "x.jsonl:9: the case has an empty key",
        ]
    );
}

#[test]
fn parts_of_a_case_that_are_wrong_do_not_cost_the_case() {
    let line = br#"{"key":"a","images":[{"key":"i","path":"i.png","regions":[{"label":"l","shape":"box","x":0,"y":0,"width":-1,"height":1}]},{"key":"i","path":"j.png"}],"questions":[{"text":"  "},{"text":"q","image":"k"},{"text":"q","gold":3}]}"#;
    let folder = folder(&[("x.jsonl", line)]);
    let read = import("jsonl", folder.path());
    assert_eq!(cases(&read)[0].images.len(), 1);
    assert!(cases(&read)[0].images[0].is_missing);
    assert_eq!(questions(&read).len(), 1);
    assert_eq!(questions(&read)[0].key, "a: q");
    assert_eq!(questions(&read)[0].gold, "3");
    assert_eq!(
        reasons(&read),
        [
            "x.jsonl:1: the region `l` of `i` has no sound size",
            "x.jsonl:1: the case has two images called `i`",
            "x.jsonl:1: a question without words",
            "x.jsonl:1: a question about the image `k`, which its case lacks",
        ]
    );
}

#[test]
fn an_absolute_path_below_the_imported_folder_is_fine() {
    let folder = folder(&[("images/a.png", b"x")]);
    let image = folder.path().join("images/a.png");
    let line = format!("{{\"key\":\"a\",\"images\":[{{\"path\":{image:?}}}]}}");
    fs::write(folder.path().join("x.jsonl"), line).unwrap();
    let read = import("jsonl", &folder.path().join("x.jsonl"));
    assert_eq!(reasons(&read), [""; 0]);
    assert!(!cases(&read)[0].images[0].is_missing);
}

#[test]
fn a_line_of_fifty_megabytes_is_passed_over() {
    let long = std::io::repeat(b'x');
    let reader = std::io::Read::take(long, 50_000_000);
    let reader = std::io::Read::chain(reader, &b"\n{\"key\":\"after\"}\n"[..]);
    let mut sink = (Vec::new(), Vec::new());
    read_lines(reader, Path::new("/"), &mut sink).unwrap();
    assert_eq!(cases(&sink).len(), 1);
    assert_eq!(
        reasons(&sink),
        ["lines:1: 50.0 MB long; rows over 16 MB are not read"]
    );
}

#[test]
fn foreign_lines_are_read_through_a_mapping() {
    let lines = br#"{"meta":{"id":7,"when":"May 2019"},"img":"a.png","cap":"A chest film.","q":"Normal?","a":"no","opts":["yes","no"]}
{"meta":{"id":7},"img":"a.png","q":"Which view?","a":"PA"}
{"meta":{},"q":"Whose?"}"#;
    let folder = folder(&[("x.jsonl", lines)]);
    let mapping = [
        ("key", "meta.id"),
        ("year", "meta.when"),
        ("modality", "=X-ray"),
        ("image", "img"),
        ("caption", "cap"),
        ("section.Text", "cap"),
        ("question", "q"),
        ("answer", "a"),
        ("options", "opts"),
    ];
    let request = ImportRequest {
        mapping: Some(FieldMapping(
            mapping
                .map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned()))
                .into(),
        )),
        ..ImportRequest::of(folder.path())
    };
    let read = try_import("jsonl", &request).unwrap();
    let case = cases(&read)[0];
    assert_eq!(
        (case.key.as_str(), case.year, case.modality),
        ("7", Some(2019), Some(Modality::XRay))
    );
    assert_eq!(case.images[0].captions[0].text, "A chest film.");
    assert_eq!(case.sections[0].heading, "Text");
    let asked: Vec<_> = questions(&read)
        .iter()
        .map(|q| (q.key.clone(), q.kind))
        .collect();
    assert_eq!(
        asked,
        [
            ("7: Normal?".to_owned(), QuestionKind::Closed),
            ("7: Which view?".to_owned(), QuestionKind::Open)
        ]
    );
    assert_eq!(cases(&read).len(), 1);
    assert_eq!(
        reasons(&read),
        ["x.jsonl:3: has neither a key nor an image"]
    );
}

#[test]
fn a_table_with_our_column_names_needs_no_mapping() {
    let table = b"key,title, modality,image,section.Findings,question,answer,options,unknown\r\n\
        1,\"One, quoted\",CT,a.png,\"Two\nlines\",Where?,left,left|right,x\r\n\
        2,Two,,,N/A,,,,\r\n3,\"T\xff\",,,,,,,\r\n";
    let folder = folder(&[("t.csv", table), ("a.png", b"x")]);
    let read = import("csv", folder.path());
    assert_eq!(cases(&read).len(), 2);
    assert_eq!(cases(&read)[0].sections[0].text, "Two\nlines");
    assert_eq!(cases(&read)[0].title, "One, quoted");
    assert_eq!(questions(&read)[0].options, ["left", "right"]);
    assert_eq!(reasons(&read), ["t.csv:5: invalid UTF-8 in column 2"]);
}

#[test]
fn a_mapping_to_a_column_that_is_not_there_is_an_error() {
    let folder = folder(&[("t.csv", b"id,text\n1,x\n")]);
    let request = ImportRequest {
        mapping: Some(FieldMapping([("key".to_owned(), "ID".to_owned())].into())),
        ..ImportRequest::of(folder.path())
    };
    let said = try_import("csv", &request).unwrap_err().to_string();
    assert!(
        said.ends_with("has no column `ID`, which the mapping asks for; it has id, text"),
        "{said}"
    );
}

#[test]
fn answers_of_our_own_shape_are_read_from_all_three_kinds_of_file() {
    let lines = br#"{"question":"q1","model":"orion-9b","answer":"yes","rationale":"Because.","verdict":"wrong","source":"demo"}
{"question":"q1","model":"orion-9b","answer":"no","source":"demo"}
{"question":"q2","model":"orion-9b"}
{"question":"q3","model":"orion-9b","answer":"","verdict":"maybe"}"#;
    let folder = folder(&[
        ("a.jsonl", lines),
        (
            "b.json",
            br#"{"q4": "left", "q5": {"answer": 3, "model": "m"}, "q6": 1}"#,
        ),
        (
            "c.csv",
            b"question,model,answer,rationale\nq7,m,\"a, b\",why\n",
        ),
    ]);
    let request = ImportRequest {
        model: Some("default".to_owned()),
        ..ImportRequest::of(folder.path())
    };
    let read = try_import("predictions", &request).unwrap();
    let found: Vec<String> = answers(&read)
        .iter()
        .map(|answer| format!("{} {} {}", answer.question_key, answer.model, answer.text))
        .collect();
    assert_eq!(
        found,
        ["q1 orion-9b yes", "q4 default left", "q5 m 3", "q7 m a, b"]
    );
    let first = answers(&read)[0];
    assert_eq!(first.verdict, Some(Verdict::Wrong));
    assert_eq!(first.question_source.as_deref(), Some("demo"));
    assert_eq!(first.at.line, Some(1));
    assert_eq!(
        reasons(&read),
        [
            "a.jsonl:2: orion-9b answered this question already in row 1",
            "a.jsonl:3: holds no answer",
            "a.jsonl:4: the verdict `maybe` is neither right nor wrong",
            "b.json:3: not an object with an answer",
        ]
    );
}

#[test]
fn the_gold_answer_of_an_evaluation_dump_is_not_taken_for_the_models() {
    let row = br#"[{"qid": 9, "question": "Where?", "answer": "gold", "prediction": " left###</s>", "source": "Polyps"}]"#;
    let folder = folder(&[("x.json", row)]);
    let request = ImportRequest {
        model: Some("m".to_owned()),
        ..ImportRequest::of(folder.path())
    };
    let read = try_import("predictions", &request).unwrap();
    assert_eq!(answers(&read)[0].text, " left###</s>");
    assert_eq!(answers(&read)[0].question_key, "9");
    assert_eq!(answers(&read)[0].question_source, None);
}

#[test]
fn an_answer_without_a_model_is_skipped_and_costs_no_other() {
    let lines = br#"{"question":"q","answer":"a"}
{"question":"q","model":"m","answer":"b"}"#;
    let folder = folder(&[("x.jsonl", lines)]);
    let read = import("predictions", folder.path());
    assert_eq!(answers(&read).len(), 1);
    assert_eq!(
        reasons(&read),
        ["x.jsonl:1: does not say which model answered; name it with `--model NAME`"]
    );
}

#[test]
fn an_array_is_no_case_and_a_year_that_is_none_is_said() {
    let lines = br#"["z","Title",null]
{"key":"a","year":"20x0"}"#;
    let folder = folder(&[("x.jsonl", lines)]);
    let read = import("jsonl", folder.path());
    assert_eq!(cases(&read).len(), 1);
    assert_eq!(
        reasons(&read),
        [
            "x.jsonl:1: not a JSON object",
            "x.jsonl:2: no year in `20x0`; the case is taken without one",
        ]
    );
}

#[test]
fn guidelines_in_markdown_become_passages() {
    let text = b"# Nodules\nDeveloper: Us\nYear: 2024\n\n## Follow-up\nAfter a year.\n";
    let folder = folder(&[
        ("a/nodules.md", text),
        ("README.md", b"# Here"),
        ("b.md", b"no title"),
    ]);
    let read = import("markdown", folder.path());
    let Imported::Guideline(guideline) = &read.0[0] else {
        panic!("{:?}", read.0)
    };
    assert_eq!(
        (guideline.key.as_str(), guideline.year),
        ("a/nodules", Some(2024))
    );
    assert_eq!(guideline.passages[0].headings, ["Follow-up"]);
    assert_eq!(
        reasons(&read),
        [
            "README.md: a README describes its folder and is no guideline",
            "b.md:1: does not begin with `# Title`",
        ]
    );
}

#[test]
fn a_wrong_folder_says_what_was_expected() {
    let folder = folder(&[("x.txt", b"x")]);
    for (kind, expected) in [
        ("medpix2", "no Case_topic.json in "),
        ("vqa-rad", "no trainset.json in "),
        ("slake", "no train.json, validate.json or test.json in "),
        ("covid-chestxray", "no metadata.csv in "),
        ("ngc", "no guideline summary (*.xml) in "),
        ("vqa-med", "no file called *ReferenceQuestions.txt in "),
        ("jsonl", "no file called *.jsonl or *.ndjson in "),
        ("markdown", "no guideline called *.md in "),
        (
            "masks",
            "no picture or volume (*.png, *.nii.gz and others) in ",
        ),
        ("yolo", "no picture (*.jpg, *.png and others) in "),
    ] {
        let said = try_import(kind, &ImportRequest::of(folder.path()))
            .unwrap_err()
            .to_string();
        assert!(
            said.starts_with(expected) && said.contains("; give "),
            "{said}"
        );
    }
    let said = try_import("jsonl", &ImportRequest::of("/no/such/file")).unwrap_err();
    assert!(matches!(said, ImportError::NotThere { .. }));
}

#[test]
fn a_json_array_that_ends_too_early_names_the_place() {
    let rows = br#"[{"qid": 1, "image_name": "a.jpg", "question": "q", "answer": 2}, {"qid"#;
    let folder = folder(&[("trainset.json", rows)]);
    let mut sink = (Vec::new(), Vec::new());
    let request = ImportRequest::of(folder.path());
    let said = importer("vqa-rad")
        .unwrap()
        .read(&request, &mut sink)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("trainset.json is not JSON from byte"),
        "{said}"
    );
    assert_eq!(questions(&sink).len(), 1, "what came before is kept");
}

#[test]
fn reasons_quote_the_input_harmlessly_and_briefly() {
    let line = format!(
        "{{\"key\":\"a\",\"images\":\"\u{1b}[31m{}\"}}",
        "x".repeat(2000)
    );
    let folder = folder(&[("x.jsonl", line.replace('\u{1b}', "\\u001b").as_bytes())]);
    let read = import("jsonl", folder.path());
    let reason = &read.1[0].reason;
    assert!(
        !reason.contains('\u{1b}') && reason.chars().count() <= 301,
        "{reason}"
    );
}

/// Breaks after some rows and keeps what it heard of progress.
struct Impatient {
    rows_left: usize,
    progress: Vec<(u64, Option<u64>)>,
}

impl Sink for Impatient {
    fn accept(&mut self, _row: Imported) -> ControlFlow<()> {
        self.rows_left = self.rows_left.saturating_sub(1);
        if self.rows_left == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn skip(&mut self, _skipped: Skipped) {}

    fn progress(&mut self, done: u64, total: Option<u64>) {
        self.progress.push((done, total));
    }
}

#[test]
fn an_import_stops_when_asked_and_reports_its_bytes() {
    let lines: Vec<String> = (0..5000)
        .map(|key| format!("{{\"key\":{key}}}\n"))
        .collect();
    let lines = lines.concat();
    let folder = folder(&[("x.jsonl", lines.as_bytes())]);
    let request = ImportRequest::of(folder.path());
    let total = lines.len() as u64;

    let mut sink = Impatient {
        rows_left: usize::MAX,
        progress: Vec::new(),
    };
    importer("jsonl")
        .unwrap()
        .read(&request, &mut sink)
        .unwrap();
    assert_eq!(sink.progress.first(), Some(&(0, Some(total))));
    assert_eq!(sink.progress.last(), Some(&(total, Some(total))));
    assert!(sink.progress.len() > 5 && sink.progress.is_sorted());

    let mut sink = Impatient {
        rows_left: 3,
        progress: Vec::new(),
    };
    importer("jsonl")
        .unwrap()
        .read(&request, &mut sink)
        .unwrap();
    assert_eq!(sink.rows_left, 0);
}

#[test]
fn coco_polygons_come_before_boxes_and_orphans_are_said() {
    let file = br#"{"images":[{"id":1,"file_name":"a.png"},{"id":2,"file_name":"../b.png"}],
        "categories":[{"id":3,"name":"lesion"}],
        "annotations":[
          {"image_id":1,"category_id":3,"bbox":[1,2,3,4]},
          {"image_id":1,"category_id":3,"bbox":[1,2,3,4],"segmentation":[[0,0,4,0,4,4],[9,9]]},
          {"image_id":1,"category_id":3,"bbox":[1,2,3,4],"segmentation":{"counts":[1],"size":[1,1]}},
          {"image_id":1,"category_id":9,"bbox":[1,2,-3,4]},
          {"image_id":7,"category_id":3,"bbox":[1,2,3,4]}]}"#;
    let folder = folder(&[("x.json", file), ("a.png", b"x")]);
    let read = import("coco", folder.path());
    let case = cases(&read)[0];
    assert_eq!((case.key.as_str(), case.images[0].is_missing), ("a", false));
    let shapes: Vec<_> = case.images[0]
        .regions
        .iter()
        .map(|region| &region.shape)
        .collect();
    let a_box = Shape::Box {
        x: 1.0,
        y: 2.0,
        width: 3.0,
        height: 4.0,
    };
    let polygon = Shape::Polygon {
        points: vec![(0.0, 0.0), (4.0, 0.0), (4.0, 4.0)],
    };
    assert_eq!(shapes, [&a_box, &polygon, &a_box]);
    assert_eq!(case.images[0].regions[0].label, "lesion");
    assert_eq!(
        reasons(&read),
        [
            "x.json: annotation 4 has neither a sound box nor a polygon",
            "x.json: the path `../b.png` leaves the imported folder",
            "x.json: 1 regions name no image of the file",
        ]
    );
}

#[test]
fn nih_boxes_are_read_by_their_place_in_the_broken_header() {
    let table = b"Image Index,Finding Label,Bbox [x,y,w,h],,,\n\
        00013118_008.png,Atelectasis,225.08,547.02,86.78,79.19,,,\n\
        00013118_008.png,Nodule,1,2,3,x,,,\n";
    let folder = folder(&[
        ("BBox_List_2017.csv", table),
        ("images/00013118_008.png", b"x"),
    ]);
    let read = import("nih-boxes", folder.path());
    let case = cases(&read)[0];
    assert_eq!(case.patient.as_deref(), Some("00013118"));
    assert!(!case.images[0].is_missing);
    assert_eq!(case.images[0].regions[0].label, "Atelectasis");
    assert_eq!(reasons(&read), ["BBox_List_2017.csv:3: `x` is no number"]);
}

#[test]
fn a_table_says_which_year_is_none() {
    let folder = folder(&[("x.csv", b"key,title,year\na,A,20x0\nb,B,2019\n")]);
    let read = import("csv", folder.path());
    assert_eq!(cases(&read).len(), 2);
    assert_eq!(
        reasons(&read),
        ["x.csv:2: no year in `20x0`; the case is taken without one"]
    );
}
