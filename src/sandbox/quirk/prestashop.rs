//! PrestaShop's webservice: what is not asked for in JSON comes as XML, errors included; its clients rely on that.
//! <https://devdocs.prestashop-project.org/8/webservice/getting-started/>

use serde_json::Value;

use crate::sandbox::api::Visit;
use crate::sandbox::call::{Answer, Content};

pub fn as_xml_unless_json_is_wanted(visit: &Visit<'_>, mut answer: Answer) -> Answer {
    let call = visit.call;
    let asked = call
        .query_value("output_format")
        .or_else(|| call.header("output-format").map(str::to_owned))
        .or_else(|| call.header("io-format").map(str::to_owned));
    if asked.is_some_and(|format| format.eq_ignore_ascii_case("json")) {
        return answer;
    }
    let Content::Json(Value::Object(body)) = &answer.content else {
        return answer;
    };
    let fields: String = match body.get("errors").and_then(Value::as_array) {
        Some(errors) => {
            let errors: String = errors.iter().map(|error| element("error", error)).collect();
            format!("<errors>{errors}</errors>")
        }
        None => body.iter().map(|(name, field)| element(name, field)).collect(),
    };
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <prestashop xmlns:xlink=\"http://www.w3.org/1999/xlink\">{fields}</prestashop>"
    );
    answer.content = Content::Text("text/xml;charset=utf-8", xml);
    answer
}

/// An object's fields become elements, anything else text.
fn element(name: &str, field: &Value) -> String {
    let inner = match field {
        Value::Object(fields) => fields.iter().map(|(name, field)| element(name, field)).collect(),
        Value::String(text) => cdata(text),
        other => cdata(&other.to_string()),
    };
    format!("<{name}>{inner}</{name}>")
}

fn cdata(text: &str) -> String {
    format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))
}
