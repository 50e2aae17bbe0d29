//! Industries that an organization can choose.

/// An industry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Industry {
    /// Stable key for input.
    pub key: &'static str,
    /// Name to show.
    pub name: &'static str,
}

const fn industry(key: &'static str, name: &'static str) -> Industry {
    Industry { key, name }
}

/// All industries, by name. Keys are never renamed; new ones may be added.
pub const INDUSTRIES: [Industry; 27] = [
    industry("aerospace", "Aerospace and defense"),
    industry("agriculture", "Agriculture and food"),
    industry("ai-ml", "AI and machine learning"),
    industry("automotive", "Automotive"),
    industry("construction", "Construction"),
    industry("consulting", "Consulting"),
    industry("consumer-goods", "Consumer goods"),
    industry("cybersecurity", "Cybersecurity"),
    industry("design", "Design"),
    industry("e-commerce", "E-commerce"),
    industry("education", "Education"),
    industry("energy", "Energy and utilities"),
    industry("entertainment", "Entertainment and games"),
    industry("finance", "Finance and banking"),
    industry("government", "Government"),
    industry("healthcare", "Healthcare"),
    industry("hospitality", "Hospitality and travel"),
    industry("insurance", "Insurance"),
    industry("legal", "Legal services"),
    industry("life-sciences", "Life sciences"),
    industry("logistics", "Logistics and transport"),
    industry("manufacturing", "Manufacturing"),
    industry("marketing", "Marketing and media"),
    industry("non-profit", "Non-profit"),
    industry("real-estate", "Real estate"),
    industry("software", "Software"),
    industry("telecommunications", "Telecommunications"),
];

/// The industry with this key.
pub fn find(key: &str) -> Option<Industry> {
    INDUSTRIES.iter().copied().find(|industry| industry.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn industries_stand_in_order_and_once() {
        assert!(INDUSTRIES.iter().is_sorted_by(|a, b| a.name.to_lowercase() < b.name.to_lowercase()));
        assert!(INDUSTRIES.iter().all(|industry| find(industry.key) == Some(*industry)));
        assert_eq!(find("unheard-of"), None);
    }
}
