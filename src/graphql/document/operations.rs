//! Operations that were registered beforehand: what `--persisted-only` answers.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use super::{Hash, hash};

/// Texts of the registered operations, by hash and by the names that clients know them by.
#[derive(Default)]
pub struct RegisteredOperations {
    texts: HashMap<Hash, String>,
    ids: HashMap<String, Hash>,
}

impl RegisteredOperations {
    /// Reads all files of a folder and its subfolders: a document each in `.graphql` and `.gql`, and in `.json` what
    /// generators write, an object from ids to documents. The SHA-256 of a document, in hexadecimal, is an id of it as well.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let mut read = Self::default();
        read.folder(folder)?;
        if read.texts.is_empty() {
            return Err(format!("{} holds no operation: no .graphql, .gql or .json file", folder.display()));
        }
        Ok(read)
    }

    /// The document with this id.
    pub fn text(&self, id: &str) -> Option<&str> {
        let hash = self.ids.get(id).copied().or_else(|| Hash::parse(id))?;
        self.texts.get(&hash).map(String::as_str)
    }

    /// Whether this very document is registered.
    pub fn has(&self, hash: &Hash) -> bool {
        self.texts.contains_key(hash)
    }

    /// All documents.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.values().map(String::as_str)
    }

    fn folder(&mut self, folder: &Path) -> Result<(), String> {
        let failed = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
            let path = entry.map_err(|error| failed(folder, &error))?.path();
            if path.is_dir() {
                self.folder(&path)?;
                continue;
            }
            let text = || fs::read_to_string(&path).map_err(|error| failed(&path, &error));
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("graphql" | "gql") => self.add(None, &text()?),
                Some("json") => {
                    let documents: BTreeMap<String, String> =
                        serde_json::from_str(&text()?).map_err(|error| failed(&path, &error))?;
                    for (id, text) in documents {
                        self.add(Some(id), &text);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn add(&mut self, id: Option<String>, text: &str) {
        // Editors end a file with a line break; clients send none.
        let text = text.trim_end().to_owned();
        let hash = hash(&text);
        self.ids.extend(id.map(|id| (id, hash)));
        self.texts.insert(hash, text);
    }
}
