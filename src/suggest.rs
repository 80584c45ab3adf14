//! "Did you mean".

/// The candidate nearest to `word`, when it is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Long words are no typing errors, and to compare them takes long.
    if word.len() > 96 {
        return None;
    }
    let limit = 1 + word.chars().count() / 5;
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(far, _)| *far <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_only() {
        assert_eq!(nearest("ordnal", ["mode", "ordinal"]), Some("ordinal"));
        assert_eq!(nearest("logdirs", ["logDirs"]), Some("logDirs"));
        assert_eq!(nearest("banana", ["mode", "ordinal"]), None);
        assert_eq!(nearest(&"a".repeat(100), [&*"a".repeat(100)]), None);
    }
}
