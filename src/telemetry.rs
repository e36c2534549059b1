//! Logging of the whole process, set up once by `main`. Messages go to standard error, so that standard output stays
//! for what a command was asked for. Text for people, JSON for collectors.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Why logging can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("the log filter is not understood")]
    Filter,
    #[error("logging is set up already")]
    Twice,
}

/// Logs what `filter` lets through to standard error, as JSON or as text, from now on.
pub fn init(filter: &str, json: bool) -> Result<(), TelemetryError> {
    let colours = !json && std::io::stderr().is_terminal();
    let subscriber = subscriber(filter, json, colours, std::io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Twice)
}

fn subscriber<W>(
    filter: &str,
    json: bool,
    colours: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter).map_err(|_| TelemetryError::Filter)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(colours);
    Ok(if json {
        // Fields beside the message instead of below it: collectors index the first level.
        Box::new(
            builder
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .with_span_list(false)
                .finish(),
        )
    } else {
        Box::new(builder.with_target(false).finish())
    })
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        fn text(&self) -> String {
            String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
        }
    }

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, json: bool) -> Result<String, TelemetryError> {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(filter, json, false, move || writer.clone())?;
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(store.id = "store_1", "Refreshed");
            tracing::debug!("Details");
        });
        Ok(lines.text())
    }

    #[test]
    fn a_json_line_has_its_fields_on_the_first_level() -> Result<(), Box<dyn std::error::Error>> {
        let text = logged("info", true)?;
        let line: serde_json::Value = serde_json::from_str(text.trim())?;
        assert_eq!(
            (line["message"].as_str(), line["store.id"].as_str()),
            (Some("Refreshed"), Some("store_1"))
        );
        assert_eq!(line["level"].as_str(), Some("INFO"));
        Ok(())
    }

    #[test]
    fn the_filter_decides_what_is_logged() -> Result<(), TelemetryError> {
        let text = logged("info", false)?;
        assert!(
            text.contains("Refreshed store.id=\"store_1\"") && !text.contains("Details"),
            "{text}"
        );
        assert!(logged("debug", false)?.contains("Details"));
        assert!(matches!(logged("llavero=loud", false), Err(TelemetryError::Filter)));
        Ok(())
    }
}
