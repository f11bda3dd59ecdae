//! XML answers as values.
//!
//! * An element with text is text, an empty one is nothing, one with elements an object.
//! * Elements of the same name become a list; so does an element that holds only `member` (query)
//!   or `item` (EC2), also a single one. What else may be a list is read by `wk_seam::aws::list`.
//! * Attributes and name spaces mean nothing here. Document types are refused: no entity is ours.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use serde_json::{Map, Value};

/// No answer of AWS is nested deeper.
const DEPTH_MAX: usize = 48;

/// A document.
#[derive(Debug, PartialEq)]
pub(crate) struct Document {
    /// The name of its outermost element.
    pub(crate) root: String,
    /// What is in it.
    pub(crate) content: Value,
}

/// Why it is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadXml {
    #[error("it is not UTF-8")]
    Encoding,
    #[error("it is not well-formed XML: {0}")]
    Form(String),
    #[error("it is nested deeper than {DEPTH_MAX} elements")]
    Depth,
    #[error("it has a document type")]
    DocumentType,
}

#[derive(Default)]
struct Element {
    name: String,
    text: String,
    children: Vec<(String, Value)>,
}

pub(crate) fn read(bytes: &[u8]) -> Result<Document, BadXml> {
    let text = std::str::from_utf8(bytes).map_err(|_| BadXml::Encoding)?;
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|e| BadXml::Form(e.to_string()))? {
            Event::Start(start) => {
                open.push(Element {
                    name: local(start.local_name().as_ref())?,
                    ..Element::default()
                });
            }
            Event::Empty(start) => {
                let name = local(start.local_name().as_ref())?;
                child(&mut open, name, Value::Null);
            }
            Event::End(_) => {
                // The reader has checked that it closes what is open.
                let element = open.pop().unwrap_or_default();
                let value = value(element.text, element.children);
                child(&mut open, element.name, value);
            }
            Event::Text(text) => {
                say(&mut open, &text.xml_content().map_err(|_| BadXml::Encoding)?);
            }
            Event::CData(text) => say(&mut open, &text.decode().map_err(|_| BadXml::Encoding)?),
            Event::GeneralRef(name) => say(&mut open, &resolved(&name)?),
            Event::DocType(_) => return Err(BadXml::DocumentType),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return document(open),
        }
        if open.len() > DEPTH_MAX {
            return Err(BadXml::Depth);
        }
    }
}

fn document(open: Vec<Element>) -> Result<Document, BadXml> {
    match <[Element; 1]>::try_from(open) {
        Ok([outside]) if !outside.text.trim().is_empty() => {
            Err(BadXml::Form("there is text outside of the outermost element".into()))
        }
        Ok([outside]) => match <[(String, Value); 1]>::try_from(outside.children) {
            Ok([(root, content)]) => Ok(Document { root, content }),
            Err(_) => Err(BadXml::Form("there is not exactly one outermost element".into())),
        },
        Err(_) => Err(BadXml::Form("it ends inside an element".into())),
    }
}

fn child(open: &mut [Element], name: String, value: Value) {
    if let Some(parent) = open.last_mut() {
        parent.children.push((name, value));
    }
}

fn say(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn value(text: String, children: Vec<(String, Value)>) -> Value {
    if children.is_empty() {
        return if text.is_empty() { Value::Null } else { Value::String(text) };
    }
    if children.iter().all(|(name, _)| name == "member" || name == "item") {
        return children.into_iter().map(|(_, value)| value).collect();
    }
    let mut members = Map::new();
    let mut repeated: Vec<String> = Vec::new();
    for (name, value) in children {
        match members.get_mut(&name) {
            None => {
                members.insert(name, value);
            }
            Some(Value::Array(items)) if repeated.contains(&name) => items.push(value),
            Some(first) => {
                *first = Value::Array(vec![first.take(), value]);
                repeated.push(name);
            }
        }
    }
    Value::Object(members)
}

/// One of the five names that XML itself knows, or a character by number.
fn resolved(name: &BytesRef<'_>) -> Result<String, BadXml> {
    let form = |why: String| BadXml::Form(why);
    if let Some(character) = name.resolve_char_ref().map_err(|e| form(e.to_string()))? {
        return Ok(character.to_string());
    }
    let name = name.decode().map_err(|_| BadXml::Encoding)?;
    quick_xml::escape::resolve_predefined_entity(&name)
        .map(str::to_owned)
        .ok_or_else(|| form(format!("nobody knows the entity {name:?}")))
}

fn local(name: &[u8]) -> Result<String, BadXml> {
    if name.is_empty() {
        return Err(BadXml::Form("an element has no name".into()));
    }
    Ok(String::from_utf8_lossy(name).into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn content(text: &str) -> Value {
        read(text.as_bytes()).unwrap().content
    }

    #[test]
    fn elements_become_values() {
        let text = "<?xml version=\"1.0\"?>\n<R xmlns=\"urn:x\">\n <A>1</A>\n <B/>\n <C><D>x &amp; &#65;</D></C></R>";
        assert_eq!(content(text), json!({"A": "1", "B": null, "C": {"D": "x & A"}}));
        assert_eq!(read(text.as_bytes()).unwrap().root, "R");
        assert_eq!(content("<R><![CDATA[<x>]]></R>"), json!("<x>"));
    }

    #[test]
    fn lists_are_seen_by_their_elements() {
        assert_eq!(content("<R><S><item>1</item></S></R>"), json!({"S": ["1"]}));
        assert_eq!(
            content("<R><S><member/><member><A>1</A></member></S></R>"),
            json!({"S": [null, {"A": "1"}]})
        );
        assert_eq!(content("<R><S>1</S><S>2</S><S>3</S></R>"), json!({"S": ["1", "2", "3"]}));
        let nested = "<R><S><item>1</item></S><S><item>2</item></S><S/></R>";
        assert_eq!(content(nested), json!({"S": [["1"], ["2"], null]}));
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = "<a>".repeat(100_000);
        let bomb = "<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>";
        for text in
            ["", "<a>", "<a></b>", "a", "<a/><b/>", "<a>&evil;</a>", "<a>&#0;</a>", bomb, &deep]
        {
            assert!(read(text.as_bytes()).is_err(), "{:?}", text.get(..20).unwrap_or(text));
        }
        assert!(read(b"<a>\xff</a>").is_err());
    }

    #[test]
    fn an_element_without_a_name_and_text_outside_of_all_are_refused() {
        // Found by the fuzzer: the first was read as an element whose name is empty.
        for text in ["<\tember/>", "<x:/>", "<></>", "<a/>text", "text<a/>", "<a/>&amp;"] {
            assert!(read(text.as_bytes()).is_err(), "{text:?}");
        }
        assert_eq!(content(" \n<R>1</R>\n<!-- x -->"), json!("1"));
    }
}
