//! Shell completions and the manual page, made from the command line's own description so that they cannot differ from it.

use std::io::Write;

use clap_complete::Shell;

use super::Stop;

pub fn completions(shell: Shell, mut command: clap::Command) -> Result<(), Stop> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "llavero", &mut text);
    write(&text)
}

/// One page: the commands in the order of their help, each as a section with its options.
pub fn man(command: &clap::Command) -> Result<(), Stop> {
    let mut text = Vec::new();
    render(command, &mut text).map_err(Stop::because("the manual page"))?;
    write(&text)
}

fn render(command: &clap::Command, text: &mut Vec<u8>) -> std::io::Result<()> {
    let mut command = command.clone();
    command.build();
    let page = clap_mangen::Man::new(command.clone());
    page.render(text)?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        for leaf in leaves(sub) {
            let page = clap_mangen::Man::new(leaf.clone());
            let name = leaf.get_bin_name().unwrap_or_else(|| leaf.get_name()).to_uppercase();
            writeln!(text, ".SH {name}")?;
            writeln!(
                text,
                "{}",
                leaf.get_about().map(ToString::to_string).unwrap_or_default()
            )?;
            page.render_options_section(text)?;
        }
    }
    Ok(())
}

/// A command, or those that it is only the roof of.
fn leaves(command: &clap::Command) -> Vec<&clap::Command> {
    let below: Vec<_> = command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help")
        .flat_map(leaves)
        .collect();
    if below.is_empty() { vec![command] } else { below }
}

fn write(text: &[u8]) -> Result<(), Stop> {
    match std::io::stdout().write_all(text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Stop::because("writing")(error)),
        _ => Ok(()),
    }
}
