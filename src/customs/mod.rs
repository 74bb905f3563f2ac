//! What may enter China, and under which conditions it is carried.
