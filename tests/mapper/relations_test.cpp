// Related rows, loaded for many entities at once.
#include "fixture.hpp"

namespace nexus::test { namespace {

struct author {
  std::int64_t id = 0;
  std::string name{};
  MSGPACK_DEFINE_MAP(id, name)
};

struct tag {
  std::int64_t id = 0;
  std::string word{};
  MSGPACK_DEFINE_MAP(id, word)
};

struct comment {
  std::int64_t id = 0;
  std::int64_t post_id = 0;
  std::optional<std::int64_t> author_id{};
  std::string text{};
  std::optional<author> by{};
  MSGPACK_DEFINE_MAP(id, post_id, author_id, text)
};

struct post {
  std::int64_t id = 0;
  std::int64_t author_id = 0;
  std::string title{};
  std::optional<author> by{};
  std::vector<comment> comments{};
  std::vector<tag> tags{};
  std::int64_t comment_count = -1;
  std::int64_t tag_count = -1;
  MSGPACK_DEFINE_MAP(id, author_id, title)
};

class Relations : public Mapped {
 protected:
  Relations() {
    create("authors ({id}, name text NOT NULL)");
    create("tags ({id}, word text NOT NULL)");
    create("posts ({id}, author_id bigint NOT NULL REFERENCES authors (id), title text NOT NULL)");
    create(
        "comments ({id}, post_id bigint NOT NULL REFERENCES posts (id), "
        "author_id bigint REFERENCES authors (id), text text NOT NULL)");
    create("post_tags (post bigint NOT NULL, tag bigint NOT NULL, PRIMARY KEY (post, tag))");
    run("INSERT INTO authors (id, name) VALUES (1, 'ann'), (2, 'bob')");
    run("INSERT INTO tags (id, word) VALUES (1, 'x'), (2, 'y')");
    run("INSERT INTO posts (id, author_id, title) VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'c')");
    run("INSERT INTO comments (id, post_id, author_id, text) VALUES "
        "(1, 1, 2, 'c1'), (2, 1, NULL, 'c2'), (3, 3, 1, 'c3')");
    run("INSERT INTO post_tags VALUES (1, 1), (1, 2), (2, 1)");
    authors.generated_key("id");
    tags.generated_key("id");
    comments.generated_key("id").belongs_to("by", &comment::by, authors, {"author_id"});
    posts.generated_key("id").belongs_to("by", &post::by, authors, {"author_id"});
    posts.has_many("comments", &post::comments, comments, {"post_id"}, &post::comment_count);
    posts.many_to_many("tags", &post::tags, tags, {"post_tags", {"post"}, {"tag"}},
                       &post::tag_count);
    s.take();
  }

  static std::string shown(const std::vector<post>& all) {
    std::string made;
    for (const auto& one : all) {
      made += one.title + ":" + (one.by ? one.by->name : "-") + ":";
      for (const auto& c : one.comments) made += c.text + (c.by ? "/" + c.by->name : "") + ",";
      made += ":";
      for (const auto& t : one.tags) made += t.word;
      made += " ";
    }
    return made;
  }

  mapping<author> authors{"authors"};
  mapping<tag> tags{"tags"};
  mapping<comment> comments{"comments"};
  mapping<post> posts{"posts"};
  mapper<post> all{s, posts};
};

TEST_P(Relations, OfEveryKindAreLoadedWithOneStatementEach) {
  const auto found = must(all.all().order("id").with("by").with("comments").with("tags").get());
  EXPECT_EQ(shown(found), "a:ann:c1,c2,:xy b:ann::x c:bob:c3,: ");
  EXPECT_EQ(s.take().size(), 1u + 1u + 1u + 2u);
}

TEST_P(Relations, ThatAreNestedToo) {
  const auto found = must(all.all().order("id").with("comments").with("comments.by").get());
  EXPECT_EQ(shown(found), "a:-:c1/bob,c2,: b:-:: c:-:c3/ann,: ");
  EXPECT_EQ(s.take().size(), 3u);
}

TEST_P(Relations, TheNumberOfStatementsDoesNotDependOnTheNumberOfRows) {
  for (int i = 10; i < 310; ++i) {
    must(s.execute("INSERT INTO posts (id, author_id, title) VALUES ($1, 1, 't')", i));
    must(s.execute("INSERT INTO comments (id, post_id, text) VALUES ($1, $1, 'c')", i));
  }
  s.take();
  const auto found = must(all.all().with("comments").with_count("comments").get());
  EXPECT_EQ(found.size(), 303u);
  for (const auto& one : found) {
    EXPECT_EQ(one.comment_count, static_cast<std::int64_t>(one.comments.size()));
  }
  EXPECT_EQ(s.take().size(), 3u);
}

TEST_P(Relations, AreCountedWithoutBeingLoaded) {
  const auto found = must(all.all().order("id").with_count("comments").with_count("tags").get());
  EXPECT_EQ(found[0].comment_count, 2);
  EXPECT_EQ(found[1].comment_count, 0);
  EXPECT_EQ(found[0].tag_count, 2);
  EXPECT_EQ(found[2].tag_count, 0);
  EXPECT_TRUE(found[0].comments.empty());
  EXPECT_EQ(s.take().size(), 3u);
}

TEST_P(Relations, AreCountedAsTheyAreRead) {
  comments.global_scope("no c1", [](row_filter& f) { f.where("text", is::differs, "c1"); });
  tags.global_scope("no y", [](row_filter& f) { f.where("word", is::differs, "y"); });
  run("INSERT INTO post_tags VALUES (1, 77)");  // a tag that does not exist
  const auto found = must(all.all()
                              .order("id")
                              .with("comments")
                              .with("tags")
                              .with_count("comments")
                              .with_count("tags")
                              .get());
  EXPECT_EQ(found[0].comment_count, 1);
  EXPECT_EQ(found[0].tag_count, 1);
  for (const auto& one : found) {
    EXPECT_EQ(one.comment_count, static_cast<std::int64_t>(one.comments.size()));
    EXPECT_EQ(one.tag_count, static_cast<std::int64_t>(one.tags.size()));
  }
}

TEST_P(Relations, AForeignKeyThatTheDatabaseHasInAnotherFormIsTheSame) {
  if (!is_sqlite()) GTEST_SKIP() << "a database with strict types has one form";
  run("CREATE TABLE loose_tags (post REAL, tag REAL)");
  run("INSERT INTO loose_tags VALUES (1, 1), (1, 2), (2, 1)");
  mapping<post> loose{"posts"};
  loose.generated_key("id").many_to_many("tags", &post::tags, tags,
                                         {"loose_tags", {"post"}, {"tag"}}, &post::tag_count);
  mapper<post> found_by{s, loose};
  const auto found = must(found_by.all().order("id").with("tags").with_count("tags").get());
  EXPECT_EQ(shown(found), "a:-::xy b:-::x c:-:: ");
  EXPECT_EQ(found[0].tag_count, 2);
}

TEST_P(Relations, AMapperOfOtherEntitiesIsAnError) {
  mapper<tag> wrong{s, tags};
  EXPECT_EQ(code_of(all.all().with("comments", wrong).get()), "invalid_argument");
}

TEST_P(Relations, WhoseColumnsAreNotThereAreErrorsAtStart) {
  ASSERT_EQ(message_of(posts.check(s)), "");
  posts.has_many("wrong", &post::comments, comments, {"pots_id"});
  posts.many_to_many("gone", &post::tags, tags, {"post_tags", {"post"}, {"tga"}});
  EXPECT_EQ(message_of(posts.check(s)),
            "table posts, relation wrong: the table comments has no column pots_id; "
            "table posts, relation gone: the table post_tags has no column tga");
}

TEST_P(Relations, OfNoRowsNeedNoStatement) {
  EXPECT_TRUE(must(all.where("id", is::less, 0).with("comments").get()).empty());
  EXPECT_EQ(s.take().size(), 1u);
}

TEST_P(Relations, AreRememberedByAMapperThatIsGiven) {
  mapper<comment> remembering{s, comments};
  auto found = must(all.all().order("id").with("comments", remembering).get());
  found[0].comments[0].text = "new";
  EXPECT_EQ(remembering.store(found[0].comments[0]).what, stored_as::updated);
  EXPECT_EQ(rows("SELECT text FROM comments ORDER BY id"), "new; c2; c3");
}

TEST_P(Relations, AnUnknownOneIsAnError) {
  EXPECT_EQ(message_of(all.all().with("likes").get()),
            "table posts: there is no relation \"likes\"");
  EXPECT_EQ(message_of(all.all().with_count("by").get()),
            "table posts: the relation by has no member for its count");
}

struct chair {
  std::int64_t id = 0;
  std::string town{};
  std::int64_t hall_number = 0;
  MSGPACK_DEFINE_MAP(id, town, hall_number)
};

struct hall {
  std::string town{};
  std::int64_t number = 0;
  std::vector<chair> chairs{};
  MSGPACK_DEFINE_MAP(town, number)
};

TEST_P(Relations, ByKeysOfSeveralColumns) {
  create("halls (town text NOT NULL, number bigint NOT NULL, PRIMARY KEY (town, number))");
  create("chairs ({id}, town text NOT NULL, hall_number bigint NOT NULL)");
  run("INSERT INTO halls VALUES ('a', 1), ('a', 2), ('b', 1)");
  run("INSERT INTO chairs (id, town, hall_number) VALUES (1, 'a', 1), (2, 'b', 1), (3, 'a', 1)");
  mapping<chair> chairs{"chairs"};
  chairs.generated_key("id");
  mapping<hall> halls{"halls"};
  halls.key({"town", "number"}).has_many("chairs", &hall::chairs, chairs, {"town", "hall_number"});
  const auto found =
      must(mapper(s, halls).all().order("town").order("number").with("chairs").get());
  EXPECT_EQ(found[0].chairs.size(), 2u);
  EXPECT_EQ(found[1].chairs.size(), 0u);
  EXPECT_EQ(found[2].chairs.size(), 1u);
}

NEXUS_ON_BOTH_DATABASES(Relations);

}  // namespace
}  // namespace nexus::test
