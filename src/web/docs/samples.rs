//! One call in four languages: curl, JavaScript (`fetch`), Python (its standard library) and Rust (`reqwest`). Address and
//! secret come from the environment, as `dev.env` of a development set-up gives them.

use serde_json::Value;

/// A call in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    pub label: &'static str,
    pub code: String,
}

/// What is called.
pub(super) struct Call {
    /// In capitals.
    pub method: String,
    /// With its values and query.
    pub path: String,
    /// The variable that holds the bearer's secret; `None` for public operations.
    pub secret: Option<&'static str>,
    pub body: Option<Sent>,
}

/// A request's body.
pub(super) enum Sent {
    Json(Value),
    /// A form's fields.
    Form(Vec<(String, String)>),
}

impl Call {
    pub fn samples(&self) -> Vec<Sample> {
        let sample = |label, code| Sample { label, code };
        vec![
            sample("curl", self.curl()),
            sample("JavaScript", self.javascript()),
            sample("Python", self.python()),
            sample("Rust", self.rust()),
        ]
    }

    fn curl(&self) -> String {
        let mut parts = vec![match (self.method.as_str(), &self.body) {
            ("GET", _) => format!("curl \"$LLAVERO_URL{}\"", self.path),
            ("HEAD", _) => format!("curl --head \"$LLAVERO_URL{}\"", self.path),
            (method, _) => format!("curl -X {method} \"$LLAVERO_URL{}\"", self.path),
        }];
        if let Some(secret) = self.secret {
            parts.push(format!("-H \"Authorization: Bearer ${secret}\""));
        }
        match &self.body {
            Some(Sent::Json(value)) => {
                parts.push("-H 'Content-Type: application/json'".to_owned());
                parts.push(format!("-d '{}'", pretty(value).replace('\'', "'\\''")));
            }
            Some(Sent::Form(fields)) => {
                let fields = fields.iter();
                parts.extend(fields.map(|(name, value)| format!("--data-urlencode '{name}={value}'")));
            }
            None => {}
        }
        parts.join(" \\\n  ")
    }

    fn javascript(&self) -> String {
        let mut headers = String::new();
        if let Some(secret) = self.secret {
            headers.push_str(&format!("    Authorization: `Bearer ${{process.env.{secret}}}`,\n"));
        }
        let mut lines = format!("  method: \"{}\",\n", self.method);
        let body = match &self.body {
            Some(Sent::Json(value)) => {
                headers.push_str("    \"Content-Type\": \"application/json\",\n");
                format!("  body: JSON.stringify({}),\n", indented(&pretty(value), 2))
            }
            Some(Sent::Form(fields)) => format!(
                "  body: new URLSearchParams({}),\n",
                indented(&pretty(&flat(fields)), 2)
            ),
            None => String::new(),
        };
        if !headers.is_empty() {
            lines.push_str(&format!("  headers: {{\n{headers}  }},\n"));
        }
        format!(
            "const answer = await fetch(`${{process.env.LLAVERO_URL}}{}`, {{\n{lines}{body}}});\n\
             console.log(answer.status, await answer.text());",
            self.path
        )
    }

    fn python(&self) -> String {
        let mut imports = vec!["import os", "import urllib.request"];
        let mut headers = Vec::new();
        if let Some(secret) = self.secret {
            headers.push(format!(
                "        \"Authorization\": \"Bearer \" + os.environ[\"{secret}\"],\n"
            ));
        }
        let data = match &self.body {
            Some(Sent::Json(value)) => {
                imports.insert(0, "import json");
                headers.push("        \"Content-Type\": \"application/json\",\n".to_owned());
                format!("    data=json.dumps({}).encode(),\n", python_value(value, 4))
            }
            Some(Sent::Form(fields)) => {
                imports.insert(1, "import urllib.parse");
                format!(
                    "    data=urllib.parse.urlencode({}).encode(),\n",
                    python_value(&flat(fields), 4)
                )
            }
            None => String::new(),
        };
        let headers = match headers.concat() {
            none if none.is_empty() => none,
            some => format!("    headers={{\n{some}    }},\n"),
        };
        format!(
            "{}\n\nrequest = urllib.request.Request(\n    os.environ[\"LLAVERO_URL\"] + \"{}\",\n    method=\"{}\",\n\
             {headers}{data})\nwith urllib.request.urlopen(request) as answer:\n    print(answer.status, answer.read().decode())",
            imports.join("\n"),
            self.path,
            self.method
        )
    }

    fn rust(&self) -> String {
        // The client has no word of its own for the others.
        let call = match self.method.as_str() {
            method @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE") => format!("{}(", method.to_lowercase()),
            method => format!("request(reqwest::Method::{method}, "),
        };
        let mut chain = format!(
            "let url = std::env::var(\"LLAVERO_URL\")?;\nlet answer = reqwest::Client::new()\n    .{call}format!(\"{{url}}{}\"))\n",
            self.path
        );
        if let Some(secret) = self.secret {
            chain.push_str(&format!("    .bearer_auth(std::env::var(\"{secret}\")?)\n"));
        }
        match &self.body {
            Some(Sent::Json(value)) => {
                chain.push_str(&format!(
                    "    .json(&serde_json::json!({}))\n",
                    indented(&pretty(value), 4)
                ));
            }
            Some(Sent::Form(fields)) => {
                let pairs: Vec<_> = fields
                    .iter()
                    .map(|(name, value)| format!("({name:?}, {value:?})"))
                    .collect();
                chain.push_str(&format!("    .form(&[{}])\n", pairs.join(", ")));
            }
            None => {}
        }
        format!("{chain}    .send()\n    .await?;\nprintln!(\"{{}} {{}}\", answer.status(), answer.text().await?);")
    }
}

fn flat(fields: &[(String, String)]) -> Value {
    Value::Object(
        fields
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect(),
    )
}

/// JSON as people write it.
pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// All lines but the first moved in.
fn indented(text: &str, by: usize) -> String {
    text.replace('\n', &format!("\n{}", " ".repeat(by)))
}

fn python_value(value: &Value, by: usize) -> String {
    let inner = " ".repeat(by + 4);
    let end = " ".repeat(by);
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Array(items) => {
            let items = items
                .iter()
                .map(|item| format!("{inner}{},\n", python_value(item, by + 4)));
            format!("[\n{}{end}]", items.collect::<String>())
        }
        Value::Object(members) => {
            let members = members.iter().map(|(name, member)| {
                format!(
                    "{inner}{}: {},\n",
                    Value::from(name.as_str()),
                    python_value(member, by + 4)
                )
            });
            format!("{{\n{}{end}}}", members.collect::<String>())
        }
        plain => plain.to_string(),
    }
}
