//! Examples of requests and answers, by operation, from a file beside this one. A text that begins with `@` stands for
//! the value of that name, so that a store looks the same wherever it is shown.

use serde_json::{Map, Value};

/// Those that nobody has taken yet.
pub struct Examples {
    known: Map<String, Value>,
    shared: Map<String, Value>,
}

impl Examples {
    pub fn read() -> Result<Self, String> {
        let all: Map<String, Value> =
            serde_json::from_str(include_str!("examples.json")).map_err(|error| format!("examples.json: {error}"))?;
        let (shared, known) = all.into_iter().partition(|(name, _)| name.starts_with('@'));
        Ok(Self { known, shared })
    }

    /// `what` is `request` or a status.
    pub fn take(&mut self, operation: &str, what: &str) -> Result<Value, String> {
        let of = self.known.get_mut(operation).and_then(Value::as_object_mut);
        let mut example = of
            .and_then(|of| of.remove(what))
            .ok_or_else(|| format!("{operation} has no example `{what}`"))?;
        self.fill(&mut example)?;
        Ok(example)
    }

    /// Puts values in for names.
    pub fn fill(&self, value: &mut Value) -> Result<(), String> {
        match value {
            Value::String(name) if name.starts_with('@') => {
                let mut shared = self.shared.get(name).cloned().ok_or_else(|| format!("no {name}"))?;
                self.fill(&mut shared)?;
                *value = shared;
                Ok(())
            }
            Value::Array(values) => values.iter_mut().try_for_each(|value| self.fill(value)),
            Value::Object(members) => members.values_mut().try_for_each(|value| self.fill(value)),
            _ => Ok(()),
        }
    }

    /// Nothing may be left.
    pub fn finish(self) -> Result<(), String> {
        let left = |(name, of): (&String, &Value)| {
            let of = of.as_object()?;
            (!of.is_empty()).then(|| format!("{name}: {:?}", of.keys().collect::<Vec<_>>()))
        };
        let left: Vec<String> = self.known.iter().filter_map(left).collect();
        match left.is_empty() {
            true => Ok(()),
            false => Err(format!("examples of nothing: {}", left.join(", "))),
        }
    }
}
