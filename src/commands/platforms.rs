//! `llavero platform ...`: what the catalogue says.

use llavero::platform::{Catalogue, Method};

use super::{Stop, say};

fn catalogue() -> Result<Catalogue, Stop> {
    Catalogue::embedded().map_err(|errors| Stop {
        lines: errors.iter().map(ToString::to_string).collect(),
    })
}

pub fn list(json: bool) -> Result<(), Stop> {
    let catalogue = catalogue()?;
    for platform in catalogue.platforms() {
        let methods: Vec<&str> = platform.methods.iter().map(|method| method.id.as_str()).collect();
        if json {
            let row = serde_json::json!({ "slug": platform.slug, "name": platform.name, "methods": methods });
            say(&row.to_string());
        } else {
            say(&format!(
                "{:<20} {:<20} {}",
                platform.slug,
                platform.name,
                methods.join(", ")
            ));
        }
    }
    Ok(())
}

pub fn show(slug: &str) -> Result<(), Stop> {
    let catalogue = catalogue()?;
    let platform = catalogue
        .platform(slug)
        .ok_or_else(|| Stop::line(format!("no platform `{slug}`; `llavero platform list` names them")))?;
    say(&format!(
        "{} ({})\n{}",
        platform.name, platform.slug, platform.documentation
    ));
    for method in &platform.methods {
        say(&format!("\n{} - {}", method.id, method.choose.en));
        say(&format!("  partner registers: {}", names(method, true)));
        say(&format!("  merchant enters:   {}", names(method, false)));
    }
    Ok(())
}

fn names(method: &Method, of_the_app: bool) -> String {
    let fields = if of_the_app { &method.app_fields } else { &method.fields };
    if fields.is_empty() {
        return "nothing".to_owned();
    }
    fields
        .iter()
        .map(|field| field.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}
