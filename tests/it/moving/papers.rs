//! What packagers ask of the program, where nothing is set up.

use crate::support::processes::program;

fn printed(arguments: &[&str]) -> String {
    let done = program(arguments, &[("LLAVERO_BIND", "no address".to_owned())])
        .output()
        .unwrap();
    assert!(done.status.success(), "{arguments:?}");
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn completions_and_the_manual_page_need_no_settings_and_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let text = printed(&["completions", shell]);
        assert!(text.contains("passphrase-file"), "{shell}");
    }
    let page = printed(&["man"]);
    assert!(page.contains(".TH llavero"), "{}", &page[..200]);
    for section in ["LLAVERO EXPORT", "LLAVERO STORE LIST", "LLAVERO JOB RETRY"] {
        assert!(page.contains(&format!(".SH {section}\n")), "{section}");
    }
}
