/// English to measure with where there is no corpus at hand: the beginning of Shakespeare's Hamlet.
enum SampleText {
  static let text = #"""
    Scene I. Elsinore. A platform before the Castle.

    [Francisco at his post. Enter to him Bernardo.]

    Ber.
    Who's there?

    Fran.
    Nay, answer me: stand, and unfold yourself.

    Ber.
    Long live the king!

    Fran.
    Bernardo?

    Ber.
    He.

    Fran.
    You come most carefully upon your hour.

    Ber.
    'Tis now struck twelve. Get thee to bed, Francisco.

    Fran.
    For this relief much thanks: 'tis bitter cold,
    And I am sick at heart.

    Ber.
    Have you had quiet guard?

    Fran.
    Not a mouse stirring.

    Ber.
    Well, good night.
    If you do meet Horatio and Marcellus,
    The rivals of my watch, bid them make haste.

    Fran.
    I think I hear them.--Stand, ho! Who is there?

    [Enter Horatio and Marcellus.]

    Hor.
    Friends to this ground.

    Mar.
    And liegemen to the Dane.

    Fran.
    Give you good-night.

    Mar.
    O, farewell, honest soldier;
    Who hath reliev'd you?

    Fran.
    Bernardo has my place.
    Give you good-night.

    [Exit.]

    Mar.
    Holla! Bernardo!

    Ber.
    Say.
    What, is Horatio there?

    Hor.
    A piece of him.

    Ber.
    Welcome, Horatio:--Welcome, good Marcellus.

    Mar.
    What, has this thing appear'd again to-night?

    Ber.
    I have seen nothing.

    Mar.
    Horatio says 'tis but our fantasy,
    And will not let belief take hold of him
    Touching this dreaded sight, twice seen of us:
    Therefore I have entreated him along
    With us to watch the minutes of this night;
    That, if again this apparition come
    He may approve our eyes and speak to it.

    Hor.
    Tush, tush, 'twill not appear.

    Ber.
    Sit down awhile,
    And let us once again assail your ears,
    That are so fortified against our story,
    What we two nights have seen.

    Hor.
    Well, sit we down,
    And let us hear Bernardo speak of this.

    Ber.
    Last night of all,
    When yond same star that's westward from the pole
    Had made his course to illume that part of heaven
    Where now it burns, Marcellus and myself,
    The bell then beating one,--

    Mar.
    Peace, break thee off; look where it comes again!

    [Enter Ghost, armed.]

    Ber.
    In the same figure, like the king that's dead.

    Mar.
    Thou art a scholar; speak to it, Horatio.

    Ber.
    Looks it not like the King? mark it, Horatio.

    Hor.
    Most like:--it harrows me with fear and wonder.

    Ber.
    It would be spoke to.

    Mar.
    Question it, Horatio.

    Hor.
    What art thou, that usurp'st this time of night,
    Together with that fair and warlike form
    In which the majesty of buried Denmark
    Did sometimes march? By heaven I charge thee, speak!

    Mar.
    It is offended.

    Ber.
    See, it stalks away!

    Hor.
    Stay! speak, speak! I charge thee speak!

    [Exit Ghost.]

    Mar.
    'Tis gone, and will not answer.

    Ber.
    How now, Horatio! You tremble and look pale:
    Is not this something more than fantasy?
    What think you on't?

    Hor.
    Before my God, I might not this believe
    Without the sensible and true avouch
    Of mine own eyes.

    Mar.
    Is it not like the King?

    Hor.
    As thou art to thyself:
    Such was the very armour he had on
    When he the ambitious Norway combated;
    So frown'd he once when, in an angry parle,
    He smote the sledded Polacks on the ice.
    'Tis strange.

    Mar.
    Thus twice before, and jump at this dead hour,
    With martial stalk hath he gone by our watch.

    Hor.
    In what particular thought to work I know not;
    But, in the gross and scope of my opinion,
    This bodes some strange eruption to our state.

    Mar.
    Good now, sit down, and tell me, he that knows,
    Why this same strict and most observant watch
    So nightly toils the subject of the land;
    And why such daily cast of brazen cannon,
    And foreign mart for implements of war;
    Why such impress of shipwrights, whose sore task
    Does not divide the Sunday from the week;
    What might be toward, that this sweaty haste
    Doth make the night joint-labourer with the day:
    Who is't that can inform me?

    Hor.
    That can I;
    At least, the whisper goes so. Our last king,
    Whose image even but now appear'd to us,
    Was, as you know, by Fortinbras of Norway,
    Thereto prick'd on by a most emulate pride,
    Dar'd to the combat; in which our valiant Hamlet,--
    For so this side of our known world esteem'd him,--
    Did slay this Fortinbras; who, by a seal'd compact,
    Well ratified by law and heraldry,
    Did forfeit, with his life, all those his lands,
    Which he stood seiz'd of, to the conqueror:
    Against the which, a moiety competent
    Was gaged by our king; which had return'd
    To the inheritance of Fortinbras,
    Had he been vanquisher; as by the same cov'nant,
    And carriage of the article design'd,
    His fell to Hamlet. Now, sir, young Fortinbras,
    Of unimproved mettle hot and full,
    Hath in the skirts of Norway, here and there,
    Shark'd up a list of lawless resolutes,
    For food and diet, to some enterprise
    That hath a stomach in't; which is no other,--
    As it doth well appear unto our state,--
    But to recover of us, by strong hand,
    And terms compulsatory, those foresaid lands
    So by his father lost: and this, I take it,
    Is the main motive of our preparations,
    The source of this our watch, and the chief head
    Of this post-haste and romage in the land.


    Ber.
    I think it be no other but e'en so:
    Well may it sort, that this portentous figure
    Comes armed through our watch; so like the king
    That was and is the question of these wars.

    Hor.
    A mote it is to trouble the mind's eye.
    In the most high and palmy state of Rome,
    A little ere the mightiest Julius fell,
    The graves stood tenantless, and the sheeted dead
    Did squeak and gibber in the Roman streets;
    As, stars with trains of fire and dews of blood,
    Disasters in the sun; and the moist star,
    Upon whose influence Neptune's empire stands,
    Was sick almost to doomsday with eclipse:
    And even the like precurse of fierce events,--
    As harbingers preceding still the fates,
    And prologue to the omen coming on,--
    Have heaven and earth together demonstrated
    Unto our climature and countrymen.--
    But, soft, behold! lo, where it comes again!

    [Re-enter Ghost.]

    I'll cross it, though it blast me.--Stay, illusion!
    If thou hast any sound, or use of voice,
    Speak to me:
    If there be any good thing to be done,
    That may to thee do ease, and, race to me,
    Speak to me:
    If thou art privy to thy country's fate,
    Which, happily, foreknowing may avoid,
    O, speak!
    Or if thou hast uphoarded in thy life
    Extorted treasure in the womb of earth,
    For which, they say, you spirits oft walk in death,
    [The cock crows.]
    Speak of it:--stay, and speak!--Stop it, Marcellus!

    Mar.
    Shall I strike at it with my partisan?

    Hor.
    Do, if it will not stand.

    Ber.
    'Tis here!

    Hor.
    'Tis here!

    Mar.
    'Tis gone!

    [Exit Ghost.]

    We do it wrong, being so majestical,
    To offer it the show of violence;
    For it is, as the air, invulnerable,
    And our vain blows malicious mockery.

    Ber.
    It was about to speak, when the cock crew.

    Hor.
    And then it started, like a guilty thing
    Upon a fearful summons. I have heard
    The cock, that is the trumpet to the morn,
    Doth with his lofty and shrill-sounding throat
    Awake the god of day; and at his warning,
    Whether in sea or fire, in earth or air,
    The extravagant and erring spirit hies
    To his confine: and of the truth herein
    This present object made probation.

    Mar.
    It faded on the crowing of the cock.
    Some say that ever 'gainst that season comes
    Wherein our Saviour's birth is celebrated,
    The bird of dawning singeth all night long;
    And then, they say, no spirit dare stir abroad;
    The nights are wholesome; then no planets strike,
    No fairy takes, nor witch hath power to charm;
    So hallow'd and so gracious is the time.

    Hor.
    So have I heard, and do in part believe it.
    But, look, the morn, in russet mantle clad,
    Walks o'er the dew of yon high eastward hill:
    Break we our watch up: and by my advice,
    Let us impart what we have seen to-night
    Unto young Hamlet; for, upon my life,
    This spirit, dumb to us, will speak to him:
    Do you consent we shall acquaint him with it,
    As needful in our loves, fitting our duty?

    Mar.
    Let's do't, I pray; and I this morning know
    Where we shall find him most conveniently.

    [Exeunt.]


    Scene II. Elsinore. A room of state in the Castle.

    [Enter the King, Queen, Hamlet, Polonius, Laertes, Voltimand,
    Cornelius, Lords, and Attendant.]

    King.
    Though yet of Hamlet our dear brother's death
    The memory be green, and that it us befitted
    To bear our hearts in grief, and our whole kingdom
    To be contracted in one brow of woe;
    Yet so far hath discretion fought with nature
    That we with wisest sorrow think on him,
    Together with remembrance of ourselves.
    Therefore our sometime sister, now our queen,
    Th' imperial jointress to this warlike state,
    Have we, as 'twere with a defeated joy,--
    With an auspicious and one dropping eye,
    With mirth in funeral, and with dirge in marriage,
    In equal scale weighing delight and dole,--
    Taken to wife; nor have we herein barr'd
    Your better wisdoms, which have freely gone
    With this affair along:--or all, our thanks.
    Now follows, that you know, young Fortinbras,
    Holding a weak supposal of our worth,
    Or thinking by our late dear brother's death
    Our state to be disjoint and out of frame,
    Colleagued with this dream of his advantage,
    He hath not fail'd to pester us with message,
    Importing the surrender of those lands
    Lost by his father, with all bonds of law,
    To our most valiant brother. So much for him,--
    Now for ourself and for this time of meeting:
    Thus much the business is:--we have here writ
    To Norway, uncle of young Fortinbras,--
    Who, impotent and bed-rid, scarcely hears
    Of this his nephew's purpose,--to suppress
    His further gait herein; in that the levies,
    The lists, and full proportions are all made
    Out of his subject:--and we here dispatch
    You, good Cornelius, and you, Voltimand,
    For bearers of this greeting to old Norway;
    Giving to you no further personal power
    To business with the king, more than the scope
    Of these dilated articles allow.
    Farewell; and let your haste commend your duty.

    Cor. and Volt.
    In that and all things will we show our duty.

    King.
    We doubt it nothing: heartily farewell.

    [Exeunt Voltimand and Cornelius.]

    And now, Laertes, what's the news with you?
    You told us of some suit; what is't, Laertes?
    You cannot speak of reason to the Dane,
    And lose your voice: what wouldst thou beg, Laertes,
    That shall not be my offer, not thy asking?
    The head is not more native to the heart,
    The hand more instrumental to the mouth,
    Than is the throne of Denmark to thy father.
    What wouldst thou have, Laertes?

    Laer.
    Dread my lord,
    Your leave and favour to return to France;
    From whence though willingly I came to Denmark,
    To show my duty in your coronation;
    Yet now, I must confess, that duty done,
    My thoughts and wishes bend again toward France,
    And bow them to your gracious leave and pardon.

    King.
    Have you your father's leave? What says Polonius?

    Pol.
    He hath, my lord, wrung from me my slow leave
    By laboursome petition; and at last
    Upon his will I seal'd my hard consent:
    I do beseech you, give him leave to go.

    King.
    Take thy fair hour, Laertes; time be thine,
    And thy best graces spend it at thy will!--
    But now, my cousin Hamlet, and my son--

    Ham.
    [Aside.] A little more than kin, and less than kind!

    King.
    How is it that the clouds still hang on you?

    Ham.
    Not so, my lord; I am too much i' the sun.

    Queen.
    Good Hamlet, cast thy nighted colour off,
    And let thine eye look like a friend on Denmark.
    Do not for ever with thy vailed lids
    Seek for thy noble father in the dust:
    Thou know'st 'tis common,--all that lives must die,
    Passing through nature to eternity.

    Ham.
    Ay, madam, it is common.

    Queen.
    If it be,
    Why seems it so particular with thee?

    Ham.
    Seems, madam! Nay, it is; I know not seems.
    'Tis not alone my inky cloak, good mother,
    Nor customary suits of solemn black,
    Nor windy suspiration of forc'd breath,
    No, nor the fruitful river in the eye,
    Nor the dejected 'havior of the visage,
    Together with all forms, moods, shows of grief,
    That can denote me truly: these, indeed, seem;
    For they are actions that a man might play;
    But I have that within which passeth show;
    These but the trappings and the suits of woe.

    King.
    'Tis sweet and commendable in your nature, Hamlet,
    To give these mourning duties to your father;
    But, you must know, your father lost a father;
    That father lost, lost his; and the survivor bound,
    In filial obligation, for some term
    To do obsequious sorrow: but to persevere
    In obstinate condolement is a course
    Of impious stubbornness; 'tis unmanly grief;
    It shows a will most incorrect to heaven;
    A heart unfortified, a mind impatient;
    An understanding simple and unschool'd;
    For what we know must be, and is as common
    As any the most vulgar thing to sense,
    Why should we, in our peevish opposition,
    Take it to heart? Fie! 'tis a fault to heaven,
    A fault against the dead, a fault to nature,
    To reason most absurd; whose common theme
    Is death of fathers, and who still hath cried,
    From the first corse till he that died to-day,
    'This must be so.' We pray you, throw to earth
    This unprevailing woe; and think of us
    As of a father: for let the world take note
    You are the most immediate to our throne;
    And with no less nobility of love
    Than that which dearest father bears his son
    Do I impart toward you. For your intent
    In going back to school in Wittenberg,
    It is most retrograde to our desire:
    And we beseech you bend you to remain
    Here in the cheer and comfort of our eye,
    Our chiefest courtier, cousin, and our son.

    Queen.
    Let not thy mother lose her prayers, Hamlet:
    I pray thee stay with us; go not to Wittenberg.

    Ham.
    I shall in all my best obey you, madam.
    """#
}
