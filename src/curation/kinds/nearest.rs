//! Files that say something of all files in their folder and below it; the nearest one counts.

use crate::origin::name;

pub(super) struct Nearest<T>(Vec<(String, T)>);

impl<T> Default for Nearest<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Nearest<T> {
    pub(super) fn add(&mut self, file: &str, said: T) {
        self.0.push((name::folder(file).to_owned(), said));
    }

    /// What holds for a file: the first that was added of those in the deepest folder above it.
    pub(super) fn of(&self, file: &str) -> Option<&T> {
        let above = self.0.iter().filter(|(folder, _)| is_below(file, folder));
        // The last of equals is the one that is taken.
        above
            .rev()
            .max_by_key(|(folder, _)| folder.len())
            .map(|(_, said)| said)
    }

    /// What holds wherever it stands, being all that is said.
    pub(super) fn only(&self) -> Option<&T> {
        match self.0.as_slice() {
            [(_, said)] => Some(said),
            _ => None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn is_below(file: &str, folder: &str) -> bool {
    folder.is_empty()
        || file
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_folder_above_a_file_counts_and_the_first_in_it() {
        let mut said = Nearest::default();
        assert_eq!(said.of("x.txt"), None);
        for (file, number) in [("a/x.yaml", 1), ("a/b/x.yaml", 2), ("a/b/y.yaml", 3)] {
            said.add(file, number);
        }
        assert_eq!(said.of("a/b/c/x.txt"), Some(&2));
        assert_eq!(said.of("a/bc/x.txt"), Some(&1));
        assert_eq!(said.of("x.txt"), None);
    }
}
