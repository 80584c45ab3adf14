//! Templates in the user's values are filled in; every one that cannot be is told with its place.

use super::{
    Whose,
    read::Written,
    scope::{self, Missing},
};
use crate::{
    problem::Problem,
    properties::{Layer, Origin, Setting, template},
};

/// The layers as Kafka is given them.
pub(super) fn fill(
    whose: &Whose,
    written: Vec<Written>,
    problems: &mut Vec<Problem>,
    notices: &mut Vec<String>,
) -> Vec<Layer> {
    let templates = written.iter().flat_map(|layer| layer.settings.values());
    let mut scope = None;
    let missing = Missing::default();
    if templates.into_iter().any(|setting| template::is_template(&setting.value)) {
        scope = Some(scope::of(whose, &missing));
    }
    let mut filled = Vec::new();
    for layer in written {
        let mut settings = layer.settings;
        if let Some(scope) = &scope {
            for setting in settings.values_mut() {
                one(setting, scope, &missing, problems);
            }
        }
        let Written { name, heading, .. } = layer;
        filled.push(Layer { name, heading, origin: Origin::User, settings });
    }
    let told = |path: String| {
        format!("{path} is not here; what it holds is not shown, and something else stands for it")
    };
    notices.extend(missing.paths().into_iter().map(told));
    filled
}

fn one(setting: &mut Setting, scope: &template::Scope, missing: &Missing, problems: &mut Vec<Problem>) {
    if !template::is_template(&setting.value) {
        return;
    }
    let before = missing.count();
    match template::render(&setting.value, scope) {
        Ok(rendered) => {
            let template = std::mem::replace(&mut setting.value, rendered.value);
            setting.template = Some(template);
            setting.secret = rendered.secret;
            setting.stand_in = missing.count() > before;
        }
        Err(faults) => {
            let told = |fault: template::Fault| Problem::new(setting.spot(), fault.what, fault.remedy);
            problems.extend(faults.into_iter().map(told));
        }
    }
}
