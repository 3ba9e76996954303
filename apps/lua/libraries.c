// SPDX-License-Identifier: BSD-2-Clause
/*
 * The libraries that the interpreter opens: Lua's own, and LuaSocket's two parts in C.
 *
 * There are no shared libraries, so what `require "socket"` would load from a file stands in package.preload.
 */

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

int luaopen_socket_core(lua_State *L);
int luaopen_mime_core(lua_State *L);

static const luaL_Reg libraries[] = {
    {LUA_GNAME, luaopen_base},           {LUA_LOADLIBNAME, luaopen_package},
    {LUA_COLIBNAME, luaopen_coroutine},  {LUA_TABLIBNAME, luaopen_table},
    {LUA_IOLIBNAME, luaopen_io},         {LUA_OSLIBNAME, luaopen_os},
    {LUA_STRLIBNAME, luaopen_string},    {LUA_MATHLIBNAME, luaopen_math},
    {LUA_UTF8LIBNAME, luaopen_utf8},     {LUA_DBLIBNAME, luaopen_debug},
};

static const luaL_Reg preloaded[] = {
    {"socket.core", luaopen_socket_core},
    {"mime.core", luaopen_mime_core},
};

void luaL_openlibs(lua_State *L)
{
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    for (size_t i = 0; i < sizeof(preloaded) / sizeof(preloaded[0]); i++) {
        lua_pushcfunction(L, preloaded[i].func);
        lua_setfield(L, -2, preloaded[i].name);
    }
    lua_pop(L, 1);
}
