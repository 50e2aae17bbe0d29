//! Names of people, organizations and projects, from all over.

use super::fixed::{Of, Shuffle, number};
use crate::domain::text::fold;

/// Separated by commas. Names in other scripts say after `=` how their bearer writes them in an address.
const GIVEN: &str = "Aaliyah, Adaeze, Adam, Aditi, Agnieszka, Ahmet, Aiko, Ainhoa, Aisha, Åke, Akira, Alba, \
    Aleksander, Alejandra, Alice, Aline, Amara, Amélie, Amina, Amir, Ana, Anaïs, Anders, Andrea, Andrzej, Angela, \
    Anh, Anika, Anjali, Anna, Anneli, Antoine, Antonella, Aoife, Arjun, Arnau, Aroha, Asha, Asier, Astrid, Aylin, \
    Ayşe, Azadeh, Babajide, Beatriz, Benedikt, Bengt, Bilal, Björn, Blessing, Bogdan, Brigitte, Bruno, Camille, \
    Carlos, Carmen, Catarina, Chantal, Charlotte, Chen, Chiara, Chiamaka, Chidi, Chloé, Ciarán, Claudia, Cristóbal, \
    Dagny, Daiki, Damir, Daniel, Darya, David, Deepika, Diego, Dimitra, Dragan, Dženana, Ebba, Eduardo, \
    Eero, Eilidh, Elena, Elif, Elín, Elodie, Emeka, Emilia, Emre, Enrique, Erik, Esra, Esther, Eszter, Étienne, \
    Eva, Fahad, Farah, Farid, Fátima, Federica, Fionnuala, Florence, Folake, Frida, Gabriel, Gael, Ganesh, Georgios, \
    Giulia, Grace, Grzegorz, Gudrun, Guillermo, Habiba, Hadiza, Hamza, Hana, Haruka, Hassan, Heikki, Helga, Hélène, \
    Hiroshi, Hoa, Ibrahim, Ida, Ignacio, Ilona, Imani, Inès, Ingrid, Ioana, Irina, Isabel, Iván, Ivana, Jakub, \
    Jamila, Jan, Jarosław, Javier, Jelena, Jens, Jihoon, Jiří, Joanna, João, Johanna, Jorge, José, Josephine, \
    Juho, Júlia, Jun, Kaito, Kamala, Karim, Karolína, Katarzyna, Kateryna, Keiko, Khadija, Kofi, Krzysztof, Kwame, \
    Laila, Lars, László, Leila, Lena, Leticia, Li, Liam, Lina, Linh, Lourdes, Luca, Lucía, Ludovic, Lukáš, Łukasz, \
    Maarten, Maëlle, Magdalena, Mahmoud, Maja, Makena, Małgorzata, Manon, Marc, Mariam, Marta, Mateus, Matthias, \
    Mehmet, Mei, Mercedes, Mihai, Milica, Min-jun, Mohammed, Mónica, Nadia, Naledi, Naoki, Nasrin, Nguyên, Niamh, \
    Nikolai, Noémie, Nuno, Oğuz, Olga, Olivia, Oluwaseun, Ondřej, Øyvind, Paolo, Parisa, Patience, Pedro, Pınar, \
    Pooja, Priya, Rachel, Rafael, Rania, Renée, Ricardo, Ritva, Rohan, Rosa, Ruth, Ryō, Saara, Sakura, Salma, \
    Sanjay, Sara, Sébastien, Sefa, Selma, Seung-hee, Shira, Sigrún, Simone, Siobhán, Søren, Sofía, Stanisław, \
    Sunita, Svetlana, Szilvia, Tadeusz, Tamar, Tānia, Tariq, Temitope, Thabo, Théo, Thi, Tomás, Tuuli, Uche, \
    Valentina, Vasile, Veronika, Víctor, Vikram, Wanjiru, Wei, Xiaoli, Ximena, Yael, Yara, Yasmin, Yuki, Yusuf, \
    Zainab, Žofia, Zoltán, Zsófia, Дмитро=dmytro, Олена=olena, Георги=georgi, Ελένη=eleni, Νίκος=nikos, محمد=muhammad, \
    नेहा=neha, 明美=akemi, 伟=weiwei, 지우=jiwoo";

/// As [`GIVEN`].
const FAMILY: &str = "Aaltonen, Abdi, Abe, Achieng, Adebayo, Aguilar, Ahmed, Akhtar, Albrecht, Alexandrescu, Ali, \
    Almeida, Álvarez, Amadi, Andersson, Andrade, Antonova, Appiah, Arslan, Ásgeirsdóttir, Asante, Bakker, Balogun, \
    Banerjee, Barbosa, Barzani, Bauer, Becker, Bélanger, Ben-David, Berg, Bernard, Bianchi, Bjørnstad, Blanchet, \
    Boateng, Bondarenko, Borges, Botha, Bouchard, Brennan, Brown, Byrne, Cabrera, Çelik, Çetin, Chakraborty, Chatterjee, \
    Chávez, Chikwanha, Choi, Chukwu, Cohen, Colombo, Contreras, Cruz, Da Silva, Dąbrowski, Dahl, Dang, De Jong, De Luca, \
    De Smet, Delgado, Demir, Desai, Diallo, Dimitrov, Diop, Đorđević, Dubois, Duarte, Dumitrescu, Dvořák, Eriksen, \
    Espinoza, Eze, Farkas, Fernandes, Fernández, Ferrari, Figueroa, Fischer, Fitzgerald, Flores, Fofanah, Fournier, \
    Fujimoto, Gallagher, Ganbold, García, Gauthier, Georgiou, Gómez, González, Grant, Greco, Grönholm, Großmann, Guðmundsson, \
    Gunawan, Guo, Gupta, Gutiérrez, Haddad, Hakimi, Halonen, Hansen, Hasegawa, Hashemi, Hayashi, Hernández, Herrera, \
    Hirsch, Hoàng, Hoffmann, Horváth, Hossain, Huang, Ibáñez, Ibrahimović, Ikeda, Imanov, Inoue, Ismail, Ito, Iyer, \
    Jackson, Jakobsen, Jankowski, Janssens, Jensen, Jiménez, Johansson, Jones, Joshi, Jovanović, Juarez, Kaczmarek, \
    Kamau, Kapoor, Karlsson, Katz, Kaya, Keane, Khalil, Khan, Kim, Kipchoge, Klein, Kobayashi, Kovács, Kowalczyk, \
    Kozak, Krawczyk, Krishnan, Kruger, Kumar, Kuznetsova, Lacroix, Laine, Lambert, Larsen, Leclerc, Lee, Lefèvre, Lehtonen, \
    Levi, Lewandowski, Lin, Lindqvist, Liu, Löfgren, Lombardi, López, Lungu, Luong, MacLeod, Maes, Mäkinen, Malik, \
    Mancini, Marchetti, Marković, Martin, Martínez, Massoud, Mazur, Mbeki, McCarthy, Mehta, Mendes, Mensah, \
    Meyer, Mokoena, Molina, Mora, Moreau, Morales, Moretti, Mukherjee, Müller, Muñoz, Murphy, Mutasa, Mwangi, Nakamura, \
    Nair, Navarro, Ndiaye, Németh, Ng, Ngô, Nguyễn, Nikolaou, Nilsson, Njoroge, Nkosi, Novák, Nowak, Núñez, O'Brien, O'Connor, \
    O'Sullivan, Obi, Ogawa, Okafor, Okonkwo, Oliveira, Olsen, Omar, Önal, Ortega, Ortiz, Owusu, Özdemir, Öztürk, Papadopoulos, \
    Pāvils, Park, Patel, Pavlović, Pawłowska, Pereira, Pérez, Petrov, Pham, Phiri, Pietersen, Popescu, Popović, Prasad, Quispe, \
    Rahman, Ramírez, Rantanen, Rao, Rasmussen, Reddy, Reyes, Ricci, Rinaldi, Ríos, Rodríguez, Rojas, Romero, Rossi, \
    Roussel, Ruiz, Saar, Saito, Salazar, Sánchez, Santos, Sasaki, Sato, Schäfer, Schmidt, Schneider, Şahin, Sharma, \
    Shevchenko, Shimizu, Silva, Simões, Singh, Sithole, Sjöberg, Smith, Soares, Søndergaard, Soto, Souza, Steiner, \
    Stoica, Suárez, Subramanian, Suleiman, Suzuki, Svensson, Świątek, Szabó, Takahashi, Tanaka, Taylor, Teixeira, \
    Thompson, Tóth, Traoré, Trần, Tremblay, Tshabalala, Ueda, Ünal, Usman, Valdez, Van den Berg, Van Dijk, Vargas, \
    Vasquez, Vass, Virtanen, Vogel, Volkova, Von Arnim, Vū, Wagner, Walker, Wang, Watanabe, Weber, White, Williams, \
    Wiśniewska, Wójcik, Wolde, Wong, Wu, Yamamoto, Yang, Yılmaz, Young, Yusupov, Zając, Zapata, Zhang, Zhao, Zielińska, \
    Zimmermann, Žukauskas, Zulu, Шевчук=shevchuk, Іванова=ivanova, Παπαδάκης=papadakis, العلي=alali, वर्मा=verma, 吉田=yoshida, \
    陈=chen, 박=bak";

/// First words of names of organizations.
const BRANDS: &str = "Acacia, Alba, Alder, Almira, Altair, Amber, Andes, Anvil, Aquila, Arbor, Arcadia, Ardent, Argo, \
    Atlas, Aurora, Avalon, Baobab, Basalt, Beacon, Birch, Boréal, Brightwater, Calder, Canopy, Capella, Cascade, \
    Cedar, Cielo, Citadel, Cobalt, Copperfield, Corvus, Delta, Diorama, Eisvogel, Ember, Équinoxe, Estrela, Fjord, \
    Foxglove, Galena, Granite, Halcyon, Harbor, Hikari, Iberia, Indigo, Juniper, Kestrel, Kilimanjaro, Koru, Lantern, \
    Lumen, Madrugada, Maple, Meridian, Mistral, Nimbus, Nordlicht, Northwind, Obsidian, Onda, Orchard, Orion, Pampa, \
    Peregrine, Polaris, Quartz, Rivière, Sakura, Saltmarsh, Sequoia, Sierra, Solstice, Sturm, Tamarind, Tidal, Tundra, \
    Umbra, Vega, Vértice, Vireo, Willow, Yarrow, Zéphyr, Zenith";

/// Second words of names of organizations.
const TRADES: &str = "Analytics, Architects, Biotech, Capital, Chemicals, Clinics, Cloud, Coffee, Consulting, Design, \
    Dynamics, Education, Electric, Energy, Engineering, Farms, Films, Foods, Foundation, Freight, Games, Genomics, \
    Health, Holdings, Hospitality, Imaging, Insurance, Instruments, Labs, Legal, Logistics, Marine, Materials, Media, \
    Mobility, Motors, Networks, Optics, Outdoors, Partners, Payments, Pharma, Press, Properties, Publishing, Rail, \
    Recruiting, Research, Robotics, Security, Semiconductors, Shipping, Software, Solar, Studio, Systems, Textiles, \
    Therapeutics, Tools, Travel, University, Ventures, Water, Works";

/// How organizations are incorporated.
const FORMS: &str = ", GmbH, Inc., Ltd, AB, SAS, S.A., Oy, K.K., Pty Ltd";

/// First words of names of projects.
const QUALITIES: &str = "Agile, Amber, Bold, Bright, Calm, Clear, Crimson, Daily, Deep, Early, Eastern, Fast, Final, \
    First, Fresh, Golden, Grand, Green, Hidden, Inner, Late, Light, Lunar, New, Next, Northern, Open, Outer, Plain, \
    Quiet, Rapid, Second, Silent, Silver, Simple, Solid, Southern, Steady, Summer, Vivid, Western, Winter";

/// Second words of names of projects.
const THINGS: &str = "Archive, Atlas, Beacon, Bridge, Campaign, Canvas, Catalogue, Checkout, Compass, Console, \
    Corridor, Dashboard, Editor, Engine, Export, Forecast, Forge, Gateway, Harbour, Index, Intake, Journal, Ledger, \
    Library, Lighthouse, Mailbox, Market, Migration, Mirror, Notebook, Onboarding, Orbit, Pipeline, Platform, Portal, \
    Radar, Registry, Report, Roadmap, Search, Signal, Survey, Toolkit, Tracker, Vault, Workshop";

/// The names of everything.
pub struct Names {
    given: Vec<Name>,
    family: Vec<Name>,
    brands: Vec<&'static str>,
    trades: Vec<&'static str>,
    forms: Vec<&'static str>,
    qualities: Vec<&'static str>,
    things: Vec<&'static str>,
}

/// A name, and how it stands in an address.
#[derive(Clone, Default)]
struct Name {
    shown: &'static str,
    latin: String,
}

/// The name of a person.
pub struct PersonName {
    /// Given name.
    pub given: &'static str,
    /// Family name.
    pub family: &'static str,
    /// Both, as they stand in an address; no two people have the same.
    pub latin: String,
}

impl Names {
    /// Reads the lists.
    pub fn new() -> Self {
        Self {
            given: words(GIVEN).map(Name::new).collect(),
            family: words(FAMILY).map(Name::new).collect(),
            brands: words(BRANDS).collect(),
            trades: words(TRADES).collect(),
            forms: words(FORMS).collect(),
            qualities: words(QUALITIES).collect(),
            things: words(THINGS).collect(),
        }
    }

    /// The `index`-th person. Namesakes are told apart by a number in their address.
    pub fn person(&self, index: u64) -> PersonName {
        let (given, family, round) = pair(&self.given, &self.family, index, 1);
        let latin = numbered(format!("{}.{}", given.latin, family.latin), "", round);
        PersonName { given: given.shown, family: family.shown, latin }
    }

    /// The `index`-th organization, without and with its legal form. The former differs from all others' also
    /// as a slug.
    pub fn organization(&self, index: u64) -> (String, String) {
        let (brand, trade, round) = pair(&self.brands, &self.trades, index, 2);
        let name = numbered(format!("{brand} {trade}"), " ", round);
        let full = format!("{name} {}", nth(&self.forms, number(Of::Organization, index, 1)));
        (name, full.trim_end().to_owned())
    }

    /// The `index`-th project of an organization; no two have the same slug.
    pub fn project(&self, organization: u64, index: u64) -> String {
        let (quality, thing, round) = pair(&self.qualities, &self.things, index, organization);
        numbered(format!("{quality} {thing}"), " ", round)
    }
}

impl Name {
    fn new(text: &'static str) -> Self {
        let (shown, written) = text.split_once('=').unwrap_or((text, text));
        Self { shown, latin: latin(written) }
    }
}

/// Names that were used up start again with a number.
fn numbered(name: String, separator: &str, round: u64) -> String {
    if round == 0 { name } else { format!("{name}{separator}{}", round + 1) }
}

fn words(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(',').map(str::trim)
}

/// The `index`-th pair of a word of each list, and how often all pairs came before.
fn pair<T: Clone + Default>(first: &[T], second: &[T], index: u64, seed: u64) -> (T, T, u64) {
    let (firsts, seconds) = (first.len() as u64, second.len() as u64);
    let shuffle = Shuffle::new(firsts * seconds, number(Of::Name, 0, seed));
    let place = shuffle.at(index);
    (nth(first, place % firsts), nth(second, place / firsts), shuffle.round(index))
}

fn nth<T: Clone + Default>(list: &[T], number: u64) -> T {
    let index = usize::try_from(number % list.len() as u64).unwrap_or_default();
    list.get(index).cloned().unwrap_or_default()
}

/// The letters a–z that people write a name with in an address.
fn latin(name: &str) -> String {
    let mut latin = String::with_capacity(name.len());
    for letter in fold(name).chars() {
        match letter {
            'a'..='z' => latin.push(letter),
            'æ' => latin.push_str("ae"),
            'đ' | 'ð' => latin.push('d'),
            'ı' => latin.push('i'),
            'ł' => latin.push('l'),
            'ø' => latin.push('o'),
            'ß' => latin.push_str("ss"),
            _ => {}
        }
    }
    latin
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::{email::Email, slug::Slug, text};

    #[test]
    fn people_differ_in_their_address() {
        let names = Names::new();
        let pairs = names.given.len() * names.family.len();
        assert!(names.given.iter().chain(&names.family).all(|name| !name.latin.is_empty()));
        let people: Vec<String> = (0..pairs as u64 + 1000).map(|index| names.person(index).latin).collect();
        assert!(people.iter().step_by(97).all(|name| Email::parse(&format!("{name}@example.org")).is_some()));
        assert_eq!(people.iter().collect::<HashSet<_>>().len(), people.len());
    }

    #[test]
    fn organizations_and_projects_differ_in_their_slug() {
        let names = Names::new();
        let slug = |name: &str| Slug::from_name(name, "", "");
        let organizations: HashSet<Slug> = (0..20_000).map(|index| slug(&names.organization(index).0)).collect();
        assert_eq!(organizations.len(), 20_000);
        assert!(organizations.iter().all(|slug| Slug::parse(slug.as_str()).is_some() && !slug.is_reserved()));
        let projects: HashSet<Slug> = (0..3000).map(|index| slug(&names.project(7, index))).collect();
        assert_eq!(projects.len(), 3000);
        let full = names.organization(19_999).1;
        assert_eq!(text::name(&full), Ok(full));
    }
}
