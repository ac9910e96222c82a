"""A body crashes when it is used after its world has died.

The manual says so for C++: a destroyed body is really gone, and using it is undefined.
"""

import Box2D

shape = Box2D.b2FixtureDef(shape=Box2D.b2CircleShape(radius=1), density=1)
world = Box2D.b2World()
body = world.CreateDynamicBody(fixtures=shape)
del world
others = [bytearray(b"\xff") * 16384 for _ in range(200)]
print(body.mass, body.position, len(body.fixtures), body.world)
